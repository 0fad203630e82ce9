// Runs beside the page: what the microphone hears as 16-bit samples, 100 ms at a time, and how loud that was.

const FRAMES = 1600;

class Microphone extends AudioWorkletProcessor {
  constructor() {
    super();
    this.samples = new Int16Array(FRAMES);
    this.filled = 0;
    this.loudest = 0;
  }

  process(inputs) {
    const heard = inputs[0][0];
    if (!heard) return true;
    for (const sample of heard) {
      const bounded = Math.max(-1, Math.min(1, sample));
      this.loudest = Math.max(this.loudest, Math.abs(bounded));
      this.samples[this.filled++] = Math.round(bounded * 32767);
      if (this.filled === FRAMES) {
        this.port.postMessage({ samples: this.samples.buffer, level: this.loudest }, [this.samples.buffer]);
        this.samples = new Int16Array(FRAMES);
        this.filled = 0;
        this.loudest = 0;
      }
    }
    return true;
  }
}

registerProcessor("microphone", Microphone);
