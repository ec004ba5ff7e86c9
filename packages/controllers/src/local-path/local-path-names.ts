/** The provisioner of volumes that are folders on a node. */
export const localPathProvisioner = 'bayplan.io/local-path';
/** Written by a node's agent: the folder it keeps such volumes in. Empty on a simulated node, which keeps nothing. */
export const rootAnnotation = 'bayplan.io/local-path';
/** On a volume: the node whose agent makes and removes its folder. */
export const nodeLabel = 'bayplan.io/local-path-node';
/** Held until the node's agent has removed the folder. */
export const folderFinalizer = 'bayplan.io/local-path';
