// The microphone as pieces of 16-bit PCM.

const HIGHEST_RATE = 48000; // Hz that the server takes

export class Microphone {
  // Opens it; `hear` is called with every piece (ArrayBuffer).
  static async open(processing, hear) {
    if (!navigator.mediaDevices) {
      throw new Error("The browser gives no microphone to this page: open it at localhost or over https.");
    }
    const audio = {
      channelCount: 1,
      echoCancellation: processing,
      noiseSuppression: processing,
      autoGainControl: processing,
    };
    const stream = await navigator.mediaDevices.getUserMedia({ audio });
    let context = new AudioContext();
    if (context.sampleRate > HIGHEST_RATE) {
      await context.close();
      context = new AudioContext({ sampleRate: HIGHEST_RATE });
    }
    await context.audioWorklet.addModule("/page/worklet.js");
    return new Microphone(stream, context, hear);
  }

  constructor(stream, context, hear) {
    this.stream = stream;
    this.context = context;
    this.sampleRate = context.sampleRate;
    this.node = new AudioWorkletNode(context, "pcm", { numberOfOutputs: 0 });
    this.ended = new Promise((resolve) => {
      this.node.port.onmessage = ({ data }) => (data ? hear(data) : resolve());
    });
    this.source = context.createMediaStreamSource(stream);
  }

  start() {
    this.source.connect(this.node);
    return this.context.resume();
  }

  // Closes it after the last piece was heard.
  async close() {
    this.source.disconnect();
    this.node.port.postMessage("end");
    await Promise.race([this.ended, new Promise((resolve) => setTimeout(resolve, 500))]);
    for (const track of this.stream.getTracks()) track.stop();
    await this.context.close();
  }
}
