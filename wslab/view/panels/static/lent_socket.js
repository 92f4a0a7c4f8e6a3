const DRAIN = 50; // ms between two looks at what is still buffered

/** A WebSocket that this page makes for a cell's frame, where a BridgedSocket stands for it. */
export class LentSocket {
  #number;
  #port;
  /** @type {WebSocket} */
  #socket;
  #given = 0; // bytes that the socket accepted
  /** @type {ReturnType<typeof setTimeout> | null} */
  #timer = null;

  /**
   * Throws as `new WebSocket` does. The frame knows the socket by `number`, and hears of it over `port`.
   * @param {number} number @param {MessagePort} port @param {string} url @param {string[]} protocols
   * @param {(wasOpen: boolean) => void} onClose
   */
  constructor(number, port, url, protocols, onClose) {
    this.#number = number;
    this.#port = port;
    const socket = this.#socket = new WebSocket(url, protocols);
    let wasOpen = false;
    socket.binaryType = "arraybuffer";
    socket.onopen = () => {
      wasOpen = true;
      this.#tell("open", { protocol: socket.protocol, extensions: socket.extensions });
    };
    socket.onmessage = ({ data }) => this.#tell("message", { data });
    socket.onerror = () => this.#tell("error");
    socket.onclose = ({ code, reason, wasClean }) => {
      this.#tell("close", { code, reason, wasClean });
      onClose(wasOpen);
    };
  }

  /** @param {string | Blob | ArrayBuffer} data */
  send(data) {
    if (this.#socket.readyState !== WebSocket.OPEN) return; // the frame has not heard of it yet
    const before = this.#socket.bufferedAmount;
    this.#socket.send(data);
    this.#given += this.#socket.bufferedAmount - before;
    this.#drain();
  }

  /** @param {number} [code] @param {string} [reason] */
  close(code, reason) {
    this.#socket.close(code, reason);
  }

  /** No event says when `bufferedAmount` falls. */
  #drain() {
    this.#timer ??= setTimeout(() => {
      this.#timer = null;
      this.#tell("sent");
      if (this.#socket.bufferedAmount > 0 && this.#socket.readyState < WebSocket.CLOSED) this.#drain();
    }, DRAIN);
  }

  #tell(/** @type {string} */ name, said = {}) {
    const { bufferedAmount, readyState } = this.#socket;
    this.#port.postMessage({ socket: this.#number, name, readyState, sent: this.#given - bufferedAmount, ...said });
  }
}
