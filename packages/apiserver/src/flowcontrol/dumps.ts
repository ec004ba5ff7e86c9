import type { FlowController } from './flow-controller.ts';

export const dumpPath = '/debug/api_priority_and_fairness/';

/** What is in the queues now, as comma-separated tables; undefined for a name that is none. `details` adds whose requests they are. */
export function dump(controller: FlowController, name: string): string | undefined {
  switch (name) {
    case 'dump_priority_levels':
      return levels(controller);
    case 'dump_queues':
      return queues(controller);
    case 'dump_requests':
      return requests(controller);
    default:
      return undefined;
  }
}

function levels(controller: FlowController): string {
  const rows = [...controller.levels.values()]
    .sort(byName)
    .map((level) => [
      level.name,
      ...(level.exempt
        ? ['<none>', '<none>', '<none>', '<none>', '<none>']
        : [level.seats.used().length, level.idle, level.quiescing, level.seats.waiting, level.seats.executing]),
      level.dispatched,
      level.rejected,
      level.timedOut,
      level.cancelled,
    ]);
  return table(
    [
      'PriorityLevelName',
      'ActiveQueues',
      'IsIdle',
      'IsQuiescing',
      'WaitingRequests',
      'ExecutingRequests',
      'DispatchedRequests',
      'RejectedRequests',
      'TimedoutRequests',
      'CancelledRequests',
    ],
    rows,
  );
}

function queues(controller: FlowController): string {
  const rows = [...controller.levels.values()].sort(byName).flatMap((level) =>
    level.seats.all().map((queue) => {
      const waitingSeats = queue.waiting.reduce((sum, { seats }) => sum + seats, 0);
      return [
        level.name,
        queue.index,
        queue.waiting.length,
        queue.executing,
        queue.seatsInUse,
        `${queue.nextDispatch.toFixed(8)}ss`,
        waitingSeats,
        waitingSeats,
        `${(waitingSeats * 0.003).toFixed(8)}ss`,
      ];
    }),
  );
  return table(
    [
      'PriorityLevelName',
      'Index',
      'PendingRequests',
      'ExecutingRequests',
      'SeatsInUse',
      'NextDispatchR',
      'InitialSeatsSum',
      'MaxSeatsSum',
      'TotalWorkSum',
    ],
    rows,
  );
}

function requests(controller: FlowController): string {
  const rows = [...controller.levels.values()]
    .sort(byName)
    .flatMap((level) =>
      level.seats
        .used()
        .flatMap((queue) =>
          queue.waiting.map((ticket, index) => [
            level.name,
            ticket.schema,
            queue.index,
            index,
            ticket.distinguisher,
            new Date(ticket.arrivedMs).toISOString(),
            ticket.seats,
            0,
            '0s',
          ]),
        ),
    );
  return table(
    [
      'PriorityLevelName',
      'FlowSchemaName',
      'QueueIndex',
      'RequestIndexInQueue',
      'FlowDistingsher',
      'ArriveTime',
      'InitialSeats',
      'FinalSeats',
      'AdditionalLatency',
    ],
    rows,
  );
}

const byName = (a: { readonly name: string }, b: { readonly name: string }): number => (a.name < b.name ? -1 : 1);

/** Columns as wide as their widest cell, each cell with a comma. */
function table(head: readonly string[], rows: readonly (readonly (string | number | boolean)[])[]): string {
  const lines = [head, ...rows.map((row) => row.map(String))];
  const widths = head.map((_name, column) => Math.max(...lines.map((line) => (line[column] ?? '').length + 1)));
  return `${lines
    .map((line) =>
      line
        .map((cell, column) => `${cell},`.padEnd((widths[column] ?? 0) + 1))
        .join('')
        .trimEnd(),
    )
    .join('\n')}\n`;
}
