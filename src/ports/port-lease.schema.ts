import { Schema } from 'mongoose';
import type { PortLease } from './port-lease.js';

export const PORT_LEASE_MODEL = 'PortLease';

/** A lease as it is stored; see `PortLease`. */
export interface PortLeaseDocument extends Omit<PortLease, 'id' | 'owner' | 'checkedAt'> {
  readonly _id: string;
  readonly service: string | null;
  readonly release: string | null;
  readonly instance: string | null;
  readonly checked_at: Date;
}

export const portLeaseSchema = new Schema(
  {
    _id: { type: String, required: true },
    host: { type: String, required: true },
    port: { type: Number, required: true },
    service: { type: String, default: null },
    release: { type: String, default: null },
    instance: { type: String, default: null },
    name: { type: String, required: true },
    claim: { type: String, required: true },
    state: { type: String, required: true },
    token: { type: String, required: true },
    since: { type: Date, required: true },
    reason: { type: String, default: null },
    checked_at: { type: Date, required: true },
  },
  { collection: 'port_leases', versionKey: false, id: false, strictQuery: 'throw' },
).index({ claim: 1 }, { unique: true });
