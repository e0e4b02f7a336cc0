import { Inject, Injectable, Logger } from '@nestjs/common';
import { Audit, SYSTEM_ACTOR, type AuditEntry } from '../../common/audit/audit.js';

/** What happens around log-ins, tokens and refusals. Names and ids only, never a secret. */
export type AuthEvent =
  | { readonly kind: 'logged_in'; readonly userId: string; readonly sessionId: string }
  | { readonly kind: 'log_in_refused'; readonly forge: string; readonly reason: string }
  | { readonly kind: 'logged_out'; readonly userId: string; readonly sessionId: string }
  | { readonly kind: 'sessions_ended'; readonly userId: string; readonly by: string }
  | { readonly kind: 'refresh_reused'; readonly userId: string; readonly sessionId: string }
  | { readonly kind: 'access_lost'; readonly userId: string; readonly reason: string }
  | { readonly kind: 'user_changed'; readonly userId: string; readonly by: string }
  | {
      readonly kind: 'token_made' | 'token_revoked';
      readonly ownerId: string;
      readonly tokenId: string;
      readonly by: string;
    }
  | {
      readonly kind: 'service_account_made' | 'service_account_removed';
      readonly accountId: string;
      readonly by: string;
    }
  | {
      readonly kind: 'refused';
      readonly principalId: string;
      readonly code: 'scope_missing' | 'csrf';
    };

/**
 * The one place that hears of log-ins, tokens and refusals. It writes them to the log. The audit
 * hears of most of them by the requests that cause them; of the others, here.
 */
@Injectable()
export class AuthEvents {
  private readonly logger = new Logger('Auth');

  constructor(@Inject(Audit) private readonly audit: Audit) {}

  /** Never throws, and is not waited for. */
  record(event: AuthEvent): void {
    const { kind, ...data } = event;
    this.logger.log(data, kind);
    const entry = unasked(event);
    if (entry !== undefined) this.audit.note(entry);
  }
}

/** What the server ends without being asked to. */
function unasked(event: AuthEvent): AuditEntry | undefined {
  switch (event.kind) {
    case 'refresh_reused':
      return {
        action: 'sessions.stolen',
        actor: SYSTEM_ACTOR,
        target: { kind: 'session', id: event.sessionId, name: '' },
        details: { user_id: event.userId },
      };
    case 'access_lost':
      return {
        action: 'users.access_lost',
        actor: SYSTEM_ACTOR,
        reason: event.reason,
        target: { kind: 'user', id: event.userId, name: '' },
      };
    default:
      return undefined;
  }
}
