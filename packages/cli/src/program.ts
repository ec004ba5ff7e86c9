import { Command, Option } from 'commander';
import { fileURLToPath } from 'node:url';
import { withApiFlags } from './api-flags.ts';
import type { ApiFlags } from './api-flags.ts';
import { detachedProgress, startDetached, tell } from './commands/detach.ts';
import { defaultHomeDir, homeAt, prepareHome } from './home.ts';
import type { Home } from './home.ts';
import { commaList, count, defaultNodeName, hostAddress, ipv4, ipv4Range, nodeName, portNumber, urlList } from './options.ts';
import { createProgress } from './progress.ts';
import { UserError } from './user-error.ts';

const mainScript = fileURLToPath(new URL('./main.js', import.meta.url));
const isRoot = process.getuid?.() === 0;

interface SharedFlags {
  readonly home: string;
}

interface ClusterFlags extends SharedFlags {
  readonly podCidr: string;
  readonly serviceCidr: string;
  readonly clusterDns: string;
  readonly clusterDomain: string;
}

interface NodeFlags extends ClusterFlags {
  readonly nodeName: string;
  readonly nodeIp?: string;
  readonly nodePort: number;
  readonly criSocket: string;
  readonly maxPods: number;
}

interface StoreFlags {
  readonly bootstrapSecretFile?: string;
  readonly etcdEndpoints?: readonly string[];
  readonly etcdPrefix?: string;
  readonly etcdCafile?: string;
  readonly etcdCertfile?: string;
  readonly etcdKeyfile?: string;
  readonly etcdUser?: string;
  readonly etcdPasswordFile?: string;
}

interface ServerFlags extends ClusterFlags, StoreFlags, ApiFlags {
  readonly port: number;
  readonly bindAddress: string;
  readonly advertiseAddress?: string;
  readonly tlsSan?: readonly string[];
}

const homeOption = (): Option =>
  new Option('--home <folder>', 'where the cluster keeps its data').env('BAYPLAN_HOME').default(defaultHomeDir({}, isRoot));
const criSocketOption = (): Option =>
  new Option('--cri-socket <path>', 'unix socket of the container runtime').default('/run/bayplan/cri.sock');

function withClusterFlags(command: Command): Command {
  return command
    .addOption(homeOption())
    .option('--pod-cidr <range>', 'addresses of pods', ipv4Range, '10.128.0.0/10')
    .option('--service-cidr <range>', 'addresses of Services', ipv4Range, '10.96.0.0/12')
    .option('--cluster-dns <address>', 'where cluster DNS answers', ipv4, '10.96.0.10')
    .option('--cluster-domain <name>', 'domain of the cluster', 'cluster.local');
}

function withServerFlags(command: Command): Command {
  return withApiFlags(command)
    .option('--port <port>', 'port of the API server', portNumber, 6443)
    .option('--bind-address <address>', 'where the API server listens', ipv4, '0.0.0.0')
    .option(
      '--advertise-address <address>',
      'where pods and other machines reach the API server (default: the first address of this machine)',
      ipv4,
    )
    .option('--tls-san <names>', 'more names or addresses for the certificate of the API server, comma-separated', commaList);
}

function withStoreFlags(command: Command): Command {
  return command
    .option('--bootstrap-secret-file <file>', "secret that opens the cluster's keys; the same on every server")
    .option('--etcd-endpoints <urls>', 'use this etcd instead of the embedded store, comma-separated', urlList)
    .option('--etcd-prefix <prefix>', 'keys in etcd start with this')
    .option('--etcd-cafile <file>', 'CA of the etcd servers')
    .option('--etcd-certfile <file>', 'client certificate for etcd')
    .option('--etcd-keyfile <file>', 'key of the client certificate for etcd')
    .option('--etcd-user <name>', 'user of etcd')
    .option('--etcd-password-file <file>', 'file with the password of that user');
}

function withNodeFlags(command: Command): Command {
  return command
    .option('--node-name <name>', 'name of this node', nodeName, defaultNodeName())
    .option('--node-ip <address>', 'address of this node (default: the first of this machine)', ipv4)
    .option('--node-port <port>', 'port of the node API', portNumber, 10_250)
    .addOption(criSocketOption())
    .option('--max-pods <count>', 'most pods on this node', count, 1_000);
}

function etcdOf(flags: StoreFlags): { etcd?: { endpoints: readonly string[] } & Record<string, unknown> } {
  const { etcdEndpoints } = flags;
  const others = {
    prefix: flags.etcdPrefix,
    caFile: flags.etcdCafile,
    certFile: flags.etcdCertfile,
    keyFile: flags.etcdKeyfile,
    user: flags.etcdUser,
    passwordFile: flags.etcdPasswordFile,
  };
  if (etcdEndpoints === undefined) {
    if (Object.values(others).some((value) => value !== undefined))
      throw new UserError('--etcd flags were given without --etcd-endpoints', 'name the etcd servers with --etcd-endpoints', 2);
    return {};
  }
  return { etcd: { endpoints: etcdEndpoints, ...others } };
}

/** The whole command line. Errors are thrown, never exited on, so that `main` prints all of them alike. */
export function createProgram(): Command {
  const program = new Command('bayplan')
    .description('A cluster orchestrator that speaks the Kubernetes API')
    .version('0.1.0')
    .exitOverride()
    .showHelpAfterError('(see --help)');
  addUp(program);
  addDown(program);
  addServer(program);
  addAgent(program);
  addShim(program);
  addToken(program);
  addKubeconfig(program);
  addImage(program);
  addSnapshot(program);
  return program;
}

function addUp(program: Command): void {
  interface UpFlags extends ServerFlags, NodeFlags {
    readonly detach?: boolean;
    readonly quickstart: boolean;
    readonly hollow?: number;
  }
  withNodeFlags(withStoreFlags(withServerFlags(withClusterFlags(program.command('up').description('run a whole cluster on this machine')))))
    .option('--detach', 'return when the cluster is ready, and leave it running')
    .option('--no-quickstart', 'leave the cluster empty')
    .option('--hollow <count>', 'simulate this many nodes instead of running containers; needs neither root nor Linux', count)
    .action(async (flags: UpFlags) => {
      const home = homeAt(flags.home);
      const detached = process.env['BAYPLAN_DETACHED'] === '1';
      if (flags.detach && !detached) {
        await prepareHome(home);
        const summary = await startDetached(home, mainScript, process.argv.slice(2), createProgress(process.stderr, Date.now));
        process.stdout.write(`${summary}\n`);
        return;
      }
      const { up } = await import('./commands/up.ts');
      const nodeIp = flags.advertiseAddress ?? flags.nodeIp ?? (flags.hollow === undefined ? hostAddress('--node-ip') : '127.0.0.1');
      await up({
        ...flags,
        home,
        nodeIp,
        apiPort: flags.port,
        tlsSans: flags.tlsSan ?? [],
        ...etcdOf(flags),
        api: flags,
        quickstart: flags.quickstart && flags.hollow === undefined,
        progress: detached ? detachedProgress() : createProgress(process.stderr, Date.now),
        onReady: (summary) => (detached ? tell({ type: 'ready', text: summary }) : void process.stdout.write(`${summary}\n`)),
      });
    });
}

function addDown(program: Command): void {
  program
    .command('down')
    .description('stop the cluster on this machine and remove everything it made')
    .addOption(homeOption())
    .addOption(criSocketOption())
    .option('--purge', 'remove its data too')
    .action(async (flags: SharedFlags & { readonly criSocket: string; readonly purge?: boolean }) => {
      const { down } = await import('./commands/down.ts');
      await down({
        home: homeAt(flags.home),
        criSocket: flags.criSocket,
        purge: flags.purge ?? false,
        progress: createProgress(process.stderr, Date.now),
      });
    });
}

function addServer(program: Command): void {
  const command = program.command('server').description('run the control plane: API server, controllers, scheduler');
  withStoreFlags(withServerFlags(withClusterFlags(command))).action(async (flags: ServerFlags) => {
    const { runServerCommand } = await import('./commands/server.ts');
    await runServerCommand({
      ...flags,
      home: homeAt(flags.home),
      advertiseAddress: flags.advertiseAddress ?? hostAddress('--advertise-address'),
      tlsSans: flags.tlsSan ?? [],
      ...etcdOf(flags),
      api: flags,
    });
  });
}

function addAgent(program: Command): void {
  interface AgentFlags extends NodeFlags {
    readonly server: readonly string[];
    readonly token?: string;
    readonly externalRuntime?: boolean;
  }
  withNodeFlags(withClusterFlags(program.command('agent').description('run a node: agent, network and container runtime')))
    .requiredOption('--server <urls>', 'API servers, comma-separated', urlList)
    .option('--token <token>', 'from `bayplan token create`; needed the first time')
    .option('--external-runtime', 'use the runtime that listens on --cri-socket already, such as containerd')
    .action(async (flags: AgentFlags) => {
      const { runAgentCommand } = await import('./commands/agent.ts');
      const { server, clusterDns, podCidr, externalRuntime, ...others } = flags;
      await runAgentCommand({
        ...others,
        home: homeAt(flags.home),
        servers: server,
        nodeIp: flags.nodeIp ?? hostAddress('--node-ip'),
        port: flags.nodePort,
        clusterCidr: podCidr,
        clusterDns,
        runShim: externalRuntime !== true,
      });
    });
}

function addShim(program: Command): void {
  program
    .command('shim')
    .description('run the container runtime: a CRI server')
    .addOption(homeOption())
    .addOption(criSocketOption())
    .action(async (flags: SharedFlags & { readonly criSocket: string }) => {
      const { runShimCommand } = await import('./commands/shim.ts');
      await runShimCommand(homeAt(flags.home), flags.criSocket);
    });
}

function addToken(program: Command): void {
  program
    .command('token')
    .description('tokens with which machines join')
    .command('create')
    .description('print a new token for `bayplan agent --token`')
    .addOption(homeOption())
    .option('--ttl <hours>', 'hours until it expires', count, 24)
    .action(async (flags: SharedFlags & { readonly ttl: number }) => {
      const { createJoinToken } = await import('./commands/token.ts');
      process.stdout.write(`${await createJoinToken(homeAt(flags.home), flags.ttl, Date.now())}\n`);
    });
}

function addKubeconfig(program: Command): void {
  program
    .command('kubeconfig')
    .description('print the kubeconfig of the administrator')
    .addOption(homeOption())
    .action(async (flags: SharedFlags) => {
      const { readKubeconfig } = await import('./commands/kubeconfig.ts');
      process.stdout.write(await readKubeconfig(homeAt(flags.home)));
    });
}

function addImage(program: Command): void {
  const image = program.command('image').description('images in the store of this machine');
  const withFlags = (command: Command): Command =>
    command
      .addOption(homeOption())
      .addOption(criSocketOption())
      .addOption(new Option('-o, --output <format>', 'how to print').choices(['text', 'json']).default('text'));
  interface ImageFlags {
    readonly home: string;
    readonly criSocket: string;
    readonly output: 'text' | 'json';
  }
  const homeOf = (flags: ImageFlags): Home => homeAt(flags.home);
  withFlags(image.command('load').description('add the images of an OCI or Docker archive').argument('<archive>')).action(
    async (archive: string, flags: ImageFlags) => {
      const { imageLoad } = await import('./commands/image.ts');
      await imageLoad(homeOf(flags), flags.criSocket, archive, flags.output);
    },
  );
  withFlags(image.command('ls').description('list images')).action(async (flags: ImageFlags) => {
    const { imageList } = await import('./commands/image.ts');
    await imageList(flags.criSocket, flags.output);
  });
  withFlags(image.command('rm').description('remove images by name or id').argument('<image...>')).action(
    async (names: string[], flags: ImageFlags) => {
      const { imageRemove } = await import('./commands/image.ts');
      await imageRemove(flags.criSocket, names, flags.output);
    },
  );
}

const saveHelp = `
While a server runs on this machine, it is asked for the snapshot with the administrator's kubeconfig; otherwise the store is
read. Secrets stay encrypted in the file, and the key to them is in it only sealed with the bootstrap secret: keep a copy of
that secret (HOME/pki/bootstrap-secret) too, elsewhere. Containers, images and volumes are not part of a snapshot.`;

const restoreHelp = `
No server may run meanwhile, on any machine that uses the store. The file is checked as a whole before anything is changed.
The bootstrap secret of the saved cluster must be in HOME/pki/bootstrap-secret, or named with --bootstrap-secret-file.`;

function addSnapshot(program: Command): void {
  interface SnapshotFlags extends SharedFlags, StoreFlags {
    readonly output: 'text' | 'json';
  }
  const snapshot = program.command('snapshot').description('save all objects of a cluster, and bring them back');
  const withFlags = (command: Command): Command =>
    withStoreFlags(command.argument('<file>').addOption(homeOption())).addOption(
      new Option('-o, --output <format>', 'how to print').choices(['text', 'json']).default('text'),
    );
  const optionsOf = async (file: string, flags: SnapshotFlags) => {
    const { createLogger, shutdownSignal } = await import('@bayplan/component-base');
    return {
      file,
      home: homeAt(flags.home),
      ...etcdOf(flags),
      bootstrapSecretFile: flags.bootstrapSecretFile,
      progress: createProgress(process.stderr, Date.now),
      signal: shutdownSignal(createLogger({ component: 'snapshot', level: 'warn' })),
    };
  };
  withFlags(snapshot.command('save').description('write a snapshot to a file').addHelpText('after', saveHelp)).action(
    async (file: string, flags: SnapshotFlags) => {
      const options = await optionsOf(file, flags);
      const { snapshotSave } = await import('./commands/snapshot.ts');
      process.stdout.write(`${await snapshotSave(options, flags.output)}\n`);
    },
  );
  withFlags(snapshot.command('restore').description('fill an empty store from a snapshot').addHelpText('after', restoreHelp))
    .option('--force', 'move an embedded store that is not empty aside')
    .action(async (file: string, flags: SnapshotFlags & { readonly force?: boolean }) => {
      const options = { ...(await optionsOf(file, flags)), force: flags.force ?? false, nowMs: Date.now() };
      const { snapshotRestore } = await import('./commands/snapshot.ts');
      process.stdout.write(`${await snapshotRestore(options, flags.output)}\n`);
    });
}
