import type { KubeObject } from '../object.ts';
import type { ObjectDescriptor } from '../schema/descriptor.ts';
import type { Comparison } from './walk.ts';
import { compare } from './walk.ts';

/** An object of a request's version as another version sees it. */
export interface VersionView {
  readonly descriptor: ObjectDescriptor;
  /** From the request's version; does not change its argument. */
  convert(object: KubeObject): KubeObject;
}

/** The view of an apiVersion other than the request's; undefined when its fields are named as the request's are. */
export type VersionViews = (apiVersion: string) => VersionView | undefined;

/** What a write did, in the field names of any version: managers of another version own fields under its names. */
export class Changes {
  readonly own: Comparison;
  private readonly before: KubeObject | undefined;
  private readonly after: KubeObject;
  private readonly apiVersion: string;
  private readonly views: VersionViews | undefined;
  private readonly others = new Map<string, Comparison>();

  constructor(own: Comparison, before: KubeObject | undefined, after: KubeObject, apiVersion: string, views: VersionViews | undefined) {
    this.own = own;
    this.before = before;
    this.after = after;
    this.apiVersion = apiVersion;
    this.views = views;
  }

  as(apiVersion: string): Comparison {
    if (this.views === undefined || apiVersion === this.apiVersion) return this.own;
    const known = this.others.get(apiVersion);
    if (known !== undefined) return known;
    const view = this.views(apiVersion);
    const seen =
      view === undefined
        ? this.own
        : compare(this.before === undefined ? {} : view.convert(this.before), view.convert(this.after), view.descriptor);
    this.others.set(apiVersion, seen);
    return seen;
  }
}
