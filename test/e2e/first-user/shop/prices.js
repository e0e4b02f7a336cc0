/** What an article costs in a currency, by the rates of another service. */
export async function priceOf(cents, currency, ratesUrl) {
  const answer = await fetch(`${ratesUrl}/${currency}`);
  if (!answer.ok) throw new Error(`no rate of ${currency}`);
  return Math.round(cents * Number(await answer.text()));
}
