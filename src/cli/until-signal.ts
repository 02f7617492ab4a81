/** Resolves at SIGINT or SIGTERM; SIGHUP meanwhile calls `reload`, one call at a time. A second signal kills. */
export async function untilSignal(reload: () => Promise<void> | void): Promise<void> {
  let reloading = Promise.resolve();
  const onHangup = (): void => {
    reloading = reloading.then(reload);
    reloading.catch((error: unknown) => {
      throw error;
    });
  };
  process.on("SIGHUP", onHangup);
  const { promise, resolve } = Promise.withResolvers<void>();
  process.once("SIGINT", () => resolve());
  process.once("SIGTERM", () => resolve());
  await promise;
  process.off("SIGHUP", onHangup);
  await reloading;
}
