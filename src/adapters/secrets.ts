// A last safeguard: removes texts that look like secrets from all output.

const SECRETS = /(SharedAccessKey=|SharedAccessSignature |sig=|Bearer )[^\s;"',&]+/gi;

export function maskSecrets(text: string): string {
  return text.replaceAll(SECRETS, '$1***');
}
