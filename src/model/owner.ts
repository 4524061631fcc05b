// Owners of settings: the resources that declare them, as spelled in records and messages. Only this file knows the
// spelling.

export type ConfigurationOwner = `SecurityConfiguration/${string}`;
export type ExceptionOwner = `SecurityException/${string}`;

declare const unknownKind: unique symbol;
/** An owner in a record that no manifest can declare: treated like a configuration that left the source. */
export type UnknownOwner = string & { readonly [unknownKind]: true };

export type Owner = ConfigurationOwner | ExceptionOwner | UnknownOwner;

export function configurationOwner(name: string): ConfigurationOwner {
  return `SecurityConfiguration/${name}`;
}

export function exceptionOwner(name: string): ExceptionOwner {
  return `SecurityException/${name}`;
}

export function isConfigurationOwner(owner: string): owner is ConfigurationOwner {
  return owner.startsWith('SecurityConfiguration/');
}

export function isExceptionOwner(owner: string): owner is ExceptionOwner {
  return owner.startsWith('SecurityException/');
}

/** An owner as read from a twin: accepts any text. */
export function parseOwner(text: string): Owner {
  return isConfigurationOwner(text) || isExceptionOwner(text) ? text : (text as UnknownOwner);
}

/** The resource's name, without its kind. */
export function ownerName(owner: Owner): string {
  return owner.slice(owner.indexOf('/') + 1);
}
