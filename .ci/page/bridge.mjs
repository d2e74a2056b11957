// Bridges with a virtual bank, as processes.
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";

/** Bridges that run. None outlives the check, also if it fails. */
const running = new Set();
process.on("exit", () => running.forEach((child) => child.kill("SIGKILL")));

/** A running bridge. */
export class Bridge {
  /** Starts `lvx bridge --demo=SCENE`, and waits until it answers. */
  static async start(lvx, scene, port = 0) {
    const bridge = new Bridge();
    bridge.scene = scene;
    bridge.process = spawn(lvx, ["bridge", `--demo=${scene}`, "--port", String(port)], { stdio: ["ignore", "ignore", "pipe"] });
    running.add(bridge.process);
    bridge.process.once("exit", () => running.delete(bridge.process));
    bridge.log = "";
    await new Promise((resolve, reject) => {
      bridge.process.stderr.on("data", (data) => {
        bridge.log += data;
        const address = bridge.log.match(/http:\/\/(\S+?)\//), token = bridge.log.match(/lvx_\S+/);
        if (address && token) {
          bridge.url = `http://${address[1]}/`;
          bridge.token = token[0];
          resolve();
        }
      });
      bridge.process.on("exit", (status) => reject(new Error(`bridge ${scene} ended with status ${status}:\n${bridge.log}`)));
    });
    return bridge;
  }

  get port() {
    return Number(new URL(this.url).port);
  }

  /** Returns the document of the bank. */
  async bank() {
    return (await fetch(this.url + "api/v1/bank")).json();
  }

  /** Waits until the document of the bank is as a function says. */
  async until(what, isSo, seconds = 60) {
    const end = Date.now() + seconds * 1000;
    for (;;) {
      const bank = await this.bank();
      if (isSo(bank)) return bank;
      if (Date.now() > end) throw new Error(`${this.scene}: expected ${what} within ${seconds} s, found ${JSON.stringify(bank.verdict)}`);
      await sleep(200);
    }
  }

  /** Returns the CPU time in milliseconds, and the memory in bytes. */
  use() {
    const stat = readFileSync(`/proc/${this.process.pid}/stat`, "utf8");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    const ticks = Number(fields[11]) + Number(fields[12]);
    const [, resident] = readFileSync(`/proc/${this.process.pid}/statm`, "utf8").split(" ");
    return { cpu: ticks * 10, memory: Number(resident) * 4096 };
  }

  /** Ends the process. One that waits for a slow unit is killed. */
  async end(signal = "SIGTERM") {
    if (this.process.exitCode !== null || this.process.signalCode !== null) return;
    this.process.removeAllListeners("exit");
    this.process.once("exit", () => running.delete(this.process));
    const ended = new Promise((resolve) => { this.process.once("exit", resolve); });
    this.process.kill(signal);
    const late = setTimeout(() => this.process.kill("SIGKILL"), 3000);
    await ended;
    clearTimeout(late);
  }
}

export const sleep = (ms) => new Promise((resolve) => { setTimeout(resolve, ms); });
