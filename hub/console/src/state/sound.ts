let audio: AudioContext | undefined;

/** Two soft tones for a new critical incident. Made here, so that no sound file is needed. */
export function chime(): void {
  audio ??= new AudioContext();
  tone(audio, 660, 0);
  tone(audio, 880, 0.18);
}

function tone(context: AudioContext, pitch_hz: number, after_s: number): void {
  const from = context.currentTime + after_s;
  const voice = new OscillatorNode(context, { type: 'sine', frequency: pitch_hz });
  const loudness = new GainNode(context, { gain: 0 });
  loudness.gain.setValueAtTime(0, from);
  loudness.gain.linearRampToValueAtTime(0.18, from + 0.02);
  loudness.gain.exponentialRampToValueAtTime(0.001, from + 0.5);
  voice.connect(loudness).connect(context.destination);
  voice.start(from);
  voice.stop(from + 0.55);
}
