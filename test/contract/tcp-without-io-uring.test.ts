/** As in a container whose seccomp filter has no io_uring: each small write is a call of its own. */
process.env["UV_USE_IO_URING"] = "0";
await import("./tcp.test.ts");
