// The short name of a hub, used in texts and events: `acme-prod` for `acme-prod.azure-devices.net`.

export function hubNameOf(hostName: string): string {
  return hostName.split('.')[0] ?? hostName;
}

export function isHubName(name: string, hostName: string): boolean {
  return name.toLowerCase() === hubNameOf(hostName).toLowerCase();
}
