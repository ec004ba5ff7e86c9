import { badRequest, tooManyRequests } from '@bayplan/api';
import { Session } from 'node:inspector/promises';
import { getHeapSpaceStatistics, getHeapStatistics } from 'node:v8';
import type { RequestContext } from '../chain/context.ts';
import type { Outcome } from '../chain/outcome.ts';
import type { ServerParts } from '../server-parts.ts';

const maxSeconds = 60;
const samplingBytes = 64 * 1024;
const index = `/debug/pprof/

profile?seconds=N   CPU profile (.cpuprofile) of N seconds, 30 when not said
allocs?seconds=N    sampled allocations (.heapprofile) of N seconds, 30 when not said
heap                size of the heap and of its parts, as text
`;

/** One at a time: the inspector is shared by the whole process. */
let running = false;

/** `/debug/pprof/…`: profiles of this process in the formats of V8, which Chrome and VS Code open. */
export async function profiles(parts: ServerParts, context: RequestContext, name: string): Promise<Outcome | undefined> {
  switch (name) {
    case '':
      return text(index);
    case 'heap':
      return text(heapText());
    case 'profile':
      return profile(parts, context, 'cpuprofile', async (session, wait) => {
        await session.post('Profiler.enable');
        await session.post('Profiler.start');
        await wait();
        return (await session.post('Profiler.stop')).profile;
      });
    case 'allocs':
      return profile(parts, context, 'heapprofile', async (session, wait) => {
        await session.post('HeapProfiler.startSampling', { samplingInterval: samplingBytes });
        await wait();
        return (await session.post('HeapProfiler.stopSampling')).profile;
      });
    default:
      return undefined;
  }
}

async function profile(
  parts: ServerParts,
  context: RequestContext,
  extension: string,
  run: (session: Session, wait: () => Promise<void>) => Promise<object>,
): Promise<Outcome> {
  const seconds = Number(context.request.query.get('seconds') ?? 30);
  if (!Number.isInteger(seconds) || seconds < 1 || seconds > maxSeconds)
    throw badRequest(`seconds must be a whole number from 1 to ${maxSeconds.toString()}`);
  if (running) throw tooManyRequests('another profile is being taken', seconds);
  running = true;
  const session = new Session();
  session.connect();
  try {
    const taken = await run(session, () => parts.options.clock.sleep(seconds * 1000, context.request.signal));
    return {
      kind: 'bytes',
      status: 200,
      contentType: 'application/json',
      bytes: Buffer.from(JSON.stringify(taken)),
      headers: { 'content-disposition': `attachment; filename="profile.${extension}"` },
    };
  } finally {
    session.disconnect();
    running = false;
  }
}

function heapText(): string {
  const lines = Object.entries({ ...getHeapStatistics(), ...process.memoryUsage() }).map(([name, value]) => `${name} ${value.toString()}`);
  const spaces = getHeapSpaceStatistics().map(
    (space) =>
      `${space.space_name} size=${space.space_size.toString()} used=${space.space_used_size.toString()} available=${space.space_available_size.toString()}`,
  );
  return `${lines.join('\n')}\n\n${spaces.join('\n')}\n`;
}

function text(body: string): Outcome {
  return { kind: 'bytes', status: 200, contentType: 'text/plain; charset=utf-8', bytes: Buffer.from(body) };
}
