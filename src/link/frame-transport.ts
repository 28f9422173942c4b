/**
 * One end of a connection that carries whole frames in order: a WebSocket, a pipe in this process, or
 * either of them behind an emulated link.
 */
export interface FrameTransport {
  /** Sends a frame and returns at once. After the end of the connection the frame is dropped. */
  send(frame: Uint8Array): void;
  /** The frames that arrive. They end with the connection, however it ends. To be read once. */
  readonly frames: AsyncIterable<Uint8Array>;
  /** Bytes that were sent and have not left this process yet. */
  readonly bufferedByteCount: number;
  /** Ends the connection for both ends. @param reason for the other end, in a few words */
  close(reason?: string): void;
}
