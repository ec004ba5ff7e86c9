import type { Job } from '@bayplan/api';
import type { Strategy } from '../registry/strategy.ts';
import { jobFields } from './fields.ts';

const controllerUid = 'batch.kubernetes.io/controller-uid';
const jobName = 'batch.kubernetes.io/job-name';

/** Jobs select their pods by their own uid, unless they ask to do it themselves. */
export const jobStrategy: Strategy = {
  countsGeneration: true,
  fields: jobFields,
  defaultPropagation: 'orphan',
  prepareForCreate(object) {
    const job = object as Job;
    if (job.spec?.template === undefined || job.spec.manualSelector === true) return;
    const uid = object.metadata.uid ?? '';
    const name = object.metadata.name ?? '';
    // The names without a prefix are the ones that older clients look for.
    const own = { [controllerUid]: uid, [jobName]: name, 'controller-uid': uid, 'job-name': name };
    const { template } = job.spec;
    template.metadata = { ...template.metadata, labels: { ...template.metadata?.labels, ...own } };
    const given = job.spec.selector ?? {};
    job.spec.selector = { ...given, matchLabels: { ...given.matchLabels, [controllerUid]: uid } };
  },
};
