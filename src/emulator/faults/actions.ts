// What may befall a hub and no client asked for.
import type { IotHub } from '../hub/iot-hub.ts';
import type { IdentityRef } from '../hub/record.ts';
import { attempt, ServiceError } from '../hub/service-error.ts';

/** Devices and modules that an action names nobody for are those of the call that it comes with. */
export type HubAction =
  /** The other region takes over and has not seen the last writes: every record is as it was, and etags go backwards. */
  | { readonly kind: 'failOver'; readonly lossMs: number }
  | { readonly kind: 'delete'; readonly deviceId?: string; readonly moduleId?: string }
  /** Deleted and made anew: other keys, an empty twin. A device's modules are gone, unless they are made anew too. */
  | {
      readonly kind: 'recreate';
      readonly deviceId?: string;
      readonly moduleId?: string;
      readonly withModules?: boolean;
    }
  | { readonly kind: 'wipeTags'; readonly deviceId?: string; readonly moduleId?: string };

/** False where there was nothing to do it to. */
export function performAction(hub: IotHub, action: HubAction, caller?: IdentityRef): boolean {
  if (action.kind === 'failOver') return hub.failOver(action.lossMs) > 0;
  const deviceId = action.deviceId ?? caller?.deviceId;
  if (deviceId === undefined) return false;
  const moduleId = action.moduleId ?? (action.deviceId === undefined ? caller?.moduleId : undefined);
  return isDone(() => {
    switch (action.kind) {
      case 'delete':
        return remove(hub, { deviceId, moduleId });
      case 'recreate':
        return recreate(hub, { deviceId, moduleId }, action.withModules === true);
      case 'wipeTags':
        return wipeTags(hub, { deviceId, moduleId });
    }
  });
}

function remove(hub: IotHub, { deviceId, moduleId }: IdentityRef): void {
  if (moduleId === undefined) hub.deleteDevice(deviceId, '*');
  else hub.deleteModule(deviceId, moduleId, '*');
}

function recreate(hub: IotHub, ref: IdentityRef, withModules: boolean): void {
  const { deviceId, moduleId } = ref;
  if (moduleId !== undefined) {
    remove(hub, ref);
    hub.putModule(deviceId, moduleId, {}, undefined);
    return;
  }
  const { status, capabilities } = hub.getDevice(deviceId);
  const modules = withModules ? hub.listModules(deviceId).map(({ moduleId: id }) => id as string) : [];
  remove(hub, ref);
  hub.createDevice(deviceId, { status, capabilities });
  // The hub's own are made with an edge device.
  for (const id of modules) if (!id.startsWith('$')) hub.putModule(deviceId, id, {}, undefined);
}

function wipeTags(hub: IotHub, ref: IdentityRef): void {
  const tags = hub.getTwin(ref)['tags'] ?? {};
  hub.patchTwin(ref, { tags: Object.fromEntries(Object.keys(tags).map((key) => [key, null])) });
}

function isDone(run: () => void): boolean {
  return !(attempt(run) instanceof ServiceError);
}
