/** The provisioner of volumes that are folders on a node. */
export const localPathProvisioner = 'bayplan.io/local-path';
/** On the Node: the folder that such volumes are kept in. */
export const localPathAnnotation = 'bayplan.io/local-path';
/** On a volume: the node that has its folder. */
export const localPathNodeLabel = 'bayplan.io/local-path-node';
/** On a volume: held until its folder is removed. */
export const localPathFinalizer = 'bayplan.io/local-path';
export const provisionedBy = 'pv.kubernetes.io/provisioned-by';
