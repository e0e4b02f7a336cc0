/** Of schemas of plain documents: what a query misspells is refused, and nothing is added. */
export const plainDocuments = {
  versionKey: false,
  id: false,
  strictQuery: 'throw',
  minimize: false,
} as const;

export const neededText = { type: String, required: true } as const;
export const neededDate = { type: Date, required: true } as const;
