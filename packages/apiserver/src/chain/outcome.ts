import type { FailureStatus } from '@bayplan/api';
import type { StoredObject } from '../registry/stored-object.ts';
import type { SelectedEvent } from '../registry/watcher.ts';
import type { ServedResource } from '../registry/served-resource.ts';

/** What a handler answers, before it takes a media type. */
export type Outcome =
  | { readonly kind: 'object'; readonly status: number; readonly resource: ServedResource; readonly object: StoredObject }
  | ListOutcome
  | WatchOutcome
  /** A JSON value with apiVersion and kind that is not stored: reviews, discovery, `Status`. */
  | { readonly kind: 'value'; readonly status: number; readonly value: object }
  | {
      readonly kind: 'bytes';
      readonly status: number;
      readonly contentType: string;
      readonly bytes: Uint8Array;
      readonly headers?: Record<string, string>;
    }
  | {
      readonly kind: 'stream';
      readonly status: number;
      readonly headers: Record<string, string>;
      readonly chunks: AsyncIterable<Uint8Array>;
    };

export interface ListOutcome {
  readonly kind: 'list';
  readonly resource: ServedResource;
  readonly objects: readonly StoredObject[];
  readonly resourceVersion: number;
  /** The token for the next page. */
  readonly continueToken?: string | undefined;
  readonly remaining?: number | undefined;
}

export interface WatchOutcome {
  readonly kind: 'watch';
  readonly resource: ServedResource;
  /** Batches of events in order. The consumer must run it to its end or call `return`. */
  readonly events: AsyncIterable<readonly WatchItem[]>;
}

export type WatchItem = SelectedEvent | Bookmark | WatchError;

/** The last event of a watch that cannot go on. */
export interface WatchError {
  readonly type: 'ERROR';
  readonly status: FailureStatus;
}

export interface Bookmark {
  readonly type: 'BOOKMARK';
  readonly resourceVersion: number;
  /** This one ends the initial events. */
  readonly initialEventsEnd: boolean;
}
