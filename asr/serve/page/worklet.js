// Runs on the audio thread: cuts what the microphone gives into pieces of 16-bit PCM.

const PIECE = 0.1; // seconds

class Pcm extends AudioWorkletProcessor {
  constructor() {
    super();
    this.samples = new Int16Array(Math.round(sampleRate * PIECE));
    this.filled = 0;
    this.open = true;
    this.port.onmessage = () => {
      this.give();
      this.open = false;
      this.port.postMessage(null);
    };
  }

  give() {
    const piece = this.samples.slice(0, this.filled);
    if (piece.length) this.port.postMessage(piece.buffer, [piece.buffer]);
    this.filled = 0;
  }

  process([channels]) {
    if (!channels.length) return this.open;
    for (let i = 0; i < channels[0].length; i += 1) {
      let sum = 0;
      for (const channel of channels) sum += channel[i];
      const value = Math.round((sum / channels.length) * 32768);
      this.samples[this.filled] = Math.max(-32768, Math.min(32767, value));
      this.filled += 1;
      if (this.filled === this.samples.length) this.give();
    }
    return this.open;
  }
}

registerProcessor("pcm", Pcm);
