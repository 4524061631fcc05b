// Changes to a hub that no client asked for: failover, deletions, lost tags.
import type { IotHub } from '../hub/iot-hub.ts';
import type { IdentityRef } from '../hub/record.ts';
import { attempt, ServiceError } from '../hub/service-error.ts';

/** Without a device id, an action applies to the device or module of the call it comes with. */
export type HubAction =
  /** The other region lacks the last writes: every record is as it was, and etags go backwards. */
  | { readonly kind: 'failOver'; readonly lossMs: number }
  | { readonly kind: 'delete'; readonly deviceId?: string; readonly moduleId?: string }
  /** Deleted and recreated: new keys, an empty twin. A device loses its modules, unless they are recreated too. */
  | {
      readonly kind: 'recreate';
      readonly deviceId?: string;
      readonly moduleId?: string;
      readonly withModules?: boolean;
    }
  | { readonly kind: 'wipeTags'; readonly deviceId?: string; readonly moduleId?: string };

/** False if the target does not exist. */
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
  // The hub creates its own modules with an edge device.
  for (const id of modules) if (!id.startsWith('$')) hub.putModule(deviceId, id, {}, undefined);
}

function wipeTags(hub: IotHub, ref: IdentityRef): void {
  const tags = hub.getTwin(ref)['tags'] ?? {};
  hub.patchTwin(ref, { tags: Object.fromEntries(Object.keys(tags).map((key) => [key, null])) });
}

function isDone(run: () => void): boolean {
  return !(attempt(run) instanceof ServiceError);
}
