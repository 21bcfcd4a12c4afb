/**
 * The recorded conversations with the old module, as types. `data/README.md` says what the fields mean.
 */

import { readFileSync } from 'node:fs';

/** A reply as it was recorded. `code` is `null` for a line that had none. */
export interface RecordedReply {
  readonly code: number | null;
  readonly lines: readonly string[];
}

/** How the old server was made. */
export interface RecordedConfig {
  readonly dataSizeLimit: number | null;
  readonly enableSMTPUTF8: boolean;
  readonly decodeData: boolean;
  readonly commandSizeLimit?: number;
  readonly handler?:
    | { readonly kind: 'reply'; readonly value: string | number | null }
    | { readonly kind: 'replySequence'; readonly value: readonly (string | null)[] }
    | { readonly kind: 'raise' }
    | { readonly kind: 'unimplemented' };
  readonly customCommands?: Readonly<Record<string, string>>;
}

/** What the old application was handed. */
export interface RecordedDelivery {
  readonly mailFrom: string;
  readonly rcptTos: readonly string[];
  readonly data: string;
  readonly dataType: 'bytes' | 'string';
  readonly mailOptions: readonly string[] | null;
  readonly rcptOptions: readonly string[] | null;
}

/** The attributes of the old channel when the conversation was over. */
export interface RecordedState {
  readonly smtpState: string;
  readonly seenGreeting: string;
  readonly extendedSmtp: boolean;
  readonly mailFrom: string | null;
  readonly rcptTos: readonly string[];
  readonly receivedData: string;
}

/** What every scenario has. */
export interface Scenario {
  readonly name: string;
  readonly note?: string;
  readonly deviation?: string;
}

/** One connection. */
export interface ConversationScenario extends Scenario {
  readonly config: RecordedConfig;
  readonly send: readonly string[];
  readonly expect: readonly RecordedReply[];
  readonly replyCounts: readonly number[];
  readonly closedAfter: number | null;
  readonly delivered: readonly RecordedDelivery[];
  readonly state?: RecordedState;
  readonly preferredCodes?: readonly number[];
}

/** One connection to a `DebuggingServer`. */
export interface DebuggingScenario extends ConversationScenario {
  readonly stdout: readonly string[];
}

/** Several connections to one server. */
export interface MultiScenario extends Scenario {
  readonly config: RecordedConfig;
  readonly script: readonly (readonly [connection: number, step: string | null | { readonly action: string }])[];
  readonly expect: Readonly<Record<string, readonly RecordedReply[]>>;
  readonly closed: Readonly<Record<string, boolean>>;
  readonly delivered: readonly RecordedDelivery[];
}

/** One connection to a `PureProxy` before a scripted target. */
export interface ProxyScenario extends Omit<ConversationScenario, 'delivered'> {
  /** What the target says, by verb or recipient, where it does not accept. `null`: nothing listens. */
  readonly upstream: Readonly<Record<string, string>> | null;
  readonly upstreamCommands: readonly string[];
  /** What the target got behind DATA, up to the final dot; `null`: nothing. */
  readonly upstreamData: string | null;
}

/** A message that a `MailmanProxy` was handed. */
export interface MailmanScenario extends Scenario {
  /** The lists that exist. */
  readonly lists: readonly string[];
  readonly mailFrom: string;
  readonly rcptTos: readonly string[];
  readonly data: string;
  /** The reply, which is `250 OK` when there is none. */
  readonly returned: null;
  /** What the next server got. */
  readonly relayed: readonly {
    readonly mailFrom: string;
    readonly rcptTos: readonly string[];
    readonly data: string;
  }[];
  /** What was put into which queue of Mailman 2. */
  readonly listActions: readonly {
    readonly list: string;
    readonly queue: string;
    readonly headers: readonly (readonly [name: string, value: string])[];
  }[];
}

/** A constructor or an attribute. */
export interface ApiScenario extends Scenario {
  readonly does: string;
  readonly result?: unknown;
  readonly raises?: { readonly type: string; readonly message: string };
}

/** A run of the command line. */
export interface CommandLineScenario extends Scenario {
  readonly argv: readonly string[];
  readonly exitCode: number;
  readonly stdoutLines?: readonly string[];
  readonly stderrLast?: string;
  readonly stderrTraceback?: string;
  readonly stderrHasUsage?: boolean;
  readonly process?: { readonly uidIsRoot: boolean; readonly gidIsRoot: boolean };
  readonly send?: readonly string[];
  readonly expect?: readonly RecordedReply[];
}

/** A group of scenarios of one kind. */
export type Group =
  | { readonly group: string; readonly kind: 'protocol'; readonly scenarios: readonly ConversationScenario[] }
  | { readonly group: string; readonly kind: 'debugging'; readonly scenarios: readonly DebuggingScenario[] }
  | { readonly group: string; readonly kind: 'multi'; readonly scenarios: readonly MultiScenario[] }
  | { readonly group: string; readonly kind: 'api'; readonly scenarios: readonly ApiScenario[] }
  | { readonly group: string; readonly kind: 'cli'; readonly scenarios: readonly CommandLineScenario[] }
  | { readonly group: string; readonly kind: 'proxy'; readonly scenarios: readonly ProxyScenario[] }
  | { readonly group: string; readonly kind: 'mailman'; readonly scenarios: readonly MailmanScenario[] };

const file = new URL('data/smtpd-transcripts.json', import.meta.url);

/** All of them. */
export const GROUPS: readonly Group[] = (
  JSON.parse(readFileSync(file, 'utf8')) as { readonly groups: readonly Group[] }
).groups;

/** All scenarios of one kind, with the name of their group. */
export function scenariosOf<Kind extends Group['kind']>(
  kind: Kind,
): readonly (Extract<Group, { kind: Kind }>['scenarios'][number] & { readonly group: string })[] {
  return GROUPS.filter((group): group is Extract<Group, { kind: Kind }> => group.kind === kind).flatMap((group) =>
    group.scenarios.map((scenario) => ({ ...scenario, group: group.group })),
  ) as never;
}
