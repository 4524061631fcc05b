// A last belt: what looks like a secret does not get out, wherever it came from.

const SECRETS = /(SharedAccessKey=|SharedAccessSignature |sig=|Bearer )[^\s;"',&]+/gi;

export function maskSecrets(text: string): string {
  return text.replaceAll(SECRETS, '$1***');
}
