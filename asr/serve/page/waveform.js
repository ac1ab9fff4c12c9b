// Draws sound as bars: what the microphone hears now, or a whole recording.

const BAR = 3; // pixels, and one between two
const SPAN = 0.04; // seconds of a live bar

export class Waveform {
  constructor(canvas) {
    this.canvas = canvas;
    this.peaks = [];
    this.whole = false;
    new ResizeObserver(() => this.draw()).observe(canvas);
  }

  clear() {
    this.peaks = [];
    this.whole = false;
    this.draw();
  }

  // Adds 16-bit PCM to what is heard.
  hear(samples, sampleRate) {
    const span = Math.max(1, Math.round(sampleRate * SPAN));
    for (let begin = 0; begin < samples.length; begin += span) {
      let peak = 0;
      for (let i = begin; i < Math.min(begin + span, samples.length); i += 1) {
        peak = Math.max(peak, Math.abs(samples[i]));
      }
      this.peaks.push(peak / 32768);
    }
    this.peaks = this.peaks.slice(-2000);
    requestAnimationFrame(() => this.draw());
  }

  // Shows a recording, if the browser can decode it.
  async show(file) {
    this.clear();
    const context = new OfflineAudioContext(1, 1, 16000);
    try {
      const samples = (await context.decodeAudioData(await file.arrayBuffer())).getChannelData(0);
      const bars = Math.max(1, Math.floor(this.canvas.clientWidth / (BAR + 1)));
      const span = Math.max(1, Math.ceil(samples.length / bars));
      for (let begin = 0; begin < samples.length; begin += span) {
        this.peaks.push(samples.subarray(begin, begin + span).reduce((most, one) => Math.max(most, Math.abs(one)), 0));
      }
      this.whole = true;
    } catch {
      this.peaks = []; // the server may know the format nevertheless
    }
    this.draw();
  }

  draw() {
    const { canvas } = this;
    const scale = window.devicePixelRatio || 1;
    const [width, height] = [canvas.clientWidth, canvas.clientHeight];
    canvas.width = width * scale;
    canvas.height = height * scale;
    const pen = canvas.getContext("2d");
    pen.scale(scale, scale);
    pen.fillStyle = getComputedStyle(canvas).color;
    const bars = Math.floor(width / (BAR + 1));
    const shown = this.whole ? this.peaks : this.peaks.slice(-bars);
    const first = this.whole ? 0 : bars - shown.length;
    for (let i = 0; i < bars; i += 1) {
      const peak = Math.sqrt(shown[i - first] || 0);
      const size = Math.max(2, peak * height);
      pen.globalAlpha = peak ? 1 : 0.25;
      pen.fillRect(i * (BAR + 1), (height - size) / 2, BAR, size);
    }
  }
}
