// Completes a bill of materials: what cargo does not know is added, and no path of the machine that made it stays.
// Usage: node scripts/sbom.mjs FROM TO [--pages], the latter for what also ships the modules of pages and the engine.
import { readFileSync, writeFileSync } from 'node:fs';

const [from, to, pages] = process.argv.slice(2);
const folder = new URL('..', import.meta.url).pathname.replace(/\/$/, '');
const bill = JSON.parse(readFileSync(from, 'utf8').replaceAll(folder, ''));
// The same sources give the same bill.
delete bill.serialNumber;
delete bill.metadata.timestamp;
const { packages } = JSON.parse(readFileSync(new URL('../package-lock.json', import.meta.url)));
const shipped = Object.entries(pages ? packages : {}).filter(([path, { dev }]) => path.startsWith('node_modules/') && !dev);
for (const [path, { version, license, integrity }] of shipped) {
  const name = path.slice('node_modules/'.length);
  const [algorithm, digest] = integrity.split('-', 2);
  const purl = `pkg:npm/${name.replace('@', '%40')}@${version}`;
  bill.components.push({
    type: 'library',
    'bom-ref': purl,
    name,
    version,
    purl,
    hashes: [{ alg: algorithm.toUpperCase().replace('SHA', 'SHA-'), content: Buffer.from(digest, 'base64').toString('hex') }],
    ...(license && { licenses: [{ expression: license }] }),
  });
}
if (JSON.stringify(bill).includes(folder)) throw new Error('a path of this machine is left in the bill');
writeFileSync(to, `${JSON.stringify(bill, null, 2)}\n`);
console.log(`${to}: ${bill.components.length} components`);
