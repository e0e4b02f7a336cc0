import { ApiProperty } from '@nestjs/swagger';
import type { KeyStates } from './key-rotation.js';

/** A key by which what is stored is encrypted; its bytes are in no answer. */
export class EncryptionKeyResponse {
  @ApiProperty({ example: 'k-3f9a01bc' })
  id!: string;

  @ApiProperty({ description: 'It encrypts; the others only decrypt.' })
  is_primary!: boolean;
}

export class EncryptionKeysResponse {
  @ApiProperty({ type: [EncryptionKeyResponse] })
  keys!: EncryptionKeyResponse[];

  @ApiProperty({
    description:
      'What is stored is being encrypted by the primary key; until it is `false` no other key can be dropped.',
  })
  is_resealing!: boolean;
}

export function encryptionKeysResponse({ ids, isResealing }: KeyStates): EncryptionKeysResponse {
  return {
    keys: ids.map((id, index) => ({ id, is_primary: index === 0 })),
    is_resealing: isResealing,
  };
}
