// Says what happens, line by line, to whoever started it. `events` is what the server wrote.
import { io, type Socket } from "socket.io-client";
import type { ClientToServerEvents, ErrorAck, ServerToClientEvents } from "./events.js";

const socket: Socket<ServerToClientEvents, ClientToServerEvents> = io(process.argv[2]!);

const failed = (answer: unknown): answer is ErrorAck => typeof answer === "object" && answer !== null && "error" in answer;

socket.on("welcome", ({ online }) => console.log(`welcome: ${online.toFixed()} online`));

socket.on("riddle", (riddle, ack) => {
  console.log(`riddle: ${riddle.question}`);
  ack({ answer: "42" });
});

const heard = new Promise<void>((resolve) => {
  socket.on("chat message", ({ text, mood, picture }) => {
    console.log(`${mood} message: ${text}, ${picture ? picture.byteLength : "no"} bytes`);
    if (!picture) resolve();
  });
});

socket.emit("chat message", { text: "look", mood: "happy", picture: new Uint8Array([1, 2, 3]) });
socket.emit("chat message", { text: "hello", mood: "sad", picture: null });
await heard;

const sum: number = await socket.emitWithAck("add", 1, 2);
console.log(`sum: ${sum}`);
socket.timeout(10_000).emit("add", 20, 22, (error: Error | null, sum: number) => console.log(`sum: ${sum}, ${error}`));

for (const name of [" Ada ", " "]) {
  const renamed = await socket.emitWithAck("rename", name);
  console.log(failed(renamed) ? `refused: ${renamed.error.message}` : `renamed: ${renamed.toUpperCase()}`);
}

console.log(`played: ${await socket.emitWithAck("play")}`);
socket.disconnect();
