// Work that is asked for faster than it is done.

/**
 * A function that starts work, of which only the latest call still matters; calls in between are left out.
 *
 * @param {function(function(): boolean): Promise} work is told whether it still is the latest.
 * @param {function(Error): void} onError called with what failed.
 * @returns {function(): Promise} its promise is of the latest call's end.
 */
export function latest(work, onError) {
  let wanted = 0;
  let running = null;
  return () => {
    wanted++;
    running ??= (async () => {
      try {
        let mine;
        do {
          mine = wanted;
          await work(() => mine === wanted);
        } while (mine !== wanted);
      } catch (error) {
        onError(error);
      } finally {
        running = null;
      }
    })();
    return running;
  };
}
