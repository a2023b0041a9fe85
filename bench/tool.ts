/**
 * What a tool of the benches does with its command line: prints the usage when it is asked for, and otherwise runs.
 * Exit code 1: `run` resolved to false. Exit code 2: the options are wrong, and `readOptions` threw an Error that
 * says why.
 */
export async function runTool<O>(
  usage: string,
  readOptions: (args: readonly string[]) => O | 'help',
  run: (options: O) => Promise<boolean>,
): Promise<void> {
  let options: O | 'help';
  try {
    options = readOptions(process.argv.slice(2));
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : error}\n${usage}`);
    process.exit(2);
  }
  if (options === 'help') console.log(usage);
  else process.exitCode = (await run(options)) ? 0 : 1;
}
