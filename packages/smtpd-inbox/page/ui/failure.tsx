/** Why something could not be done, beside what it was asked with. */

export function Failure({ text }: { readonly text: string | undefined }) {
  if (text === undefined) return null;
  return (
    <p class="fault-text" role="alert">
      {text}
    </p>
  );
}
