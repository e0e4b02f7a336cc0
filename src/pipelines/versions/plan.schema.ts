import { Schema } from 'mongoose';

export const PLAN_MODEL = 'Plan';

/** A plan, stored once for all versions and executions that have it. */
export interface PlanDocument {
  /** Hash of the plan. */
  readonly _id: string;
  /**
   * The plan as JSON text: it is only ever read whole, and what was hashed stays byte for byte. In
   * the database it is sealed.
   */
  readonly plan: string;
  readonly created_at: Date;
}

export const planSchema = new Schema(
  {
    _id: { type: String, required: true },
    plan: { type: String, required: true },
    created_at: { type: Date, required: true },
  },
  { collection: 'plans', versionKey: false, id: false, strictQuery: 'throw' },
);
