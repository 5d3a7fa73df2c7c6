import { counted, formatCount } from '../../base/words.ts';
import type { FsckFinding, FsckReport } from '../../buffer/fsck.ts';

/** What `sedge buffer fsck` prints. */
export function fsckLines({ streams, segments, readings, findings, setAside }: FsckReport): string[] {
  const sound = findings.length === 0 ? 'all sound' : counted(findings.length, 'finding');
  const lines = [
    ...findings.map(findingLine),
    `${counted(readings, 'reading')} in ${formatCount(segments)} blocks and rows of ${counted(streams, 'stream')}: ${sound}`,
  ];
  if (setAside > 0)
    lines.push(
      `${counted(setAside, 'reading')} set aside earlier as damaged: in the ledger as dropped (damaged), not among these`,
    );
  return lines;
}

function findingLine({ kind, stream, first, count, detail, repaired }: FsckFinding): string {
  const where = count === 0 ? '' : `${counted(count, 'reading')} of ${stream} from offset ${first}: `;
  const done = repaired ? (kind === 'damaged' ? ' (set aside)' : ' (repaired)') : '';
  return `${kind}: ${where}${detail}${done}`;
}
