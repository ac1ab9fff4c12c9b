// What the page asks the server for. The token, if one is needed, lives as long as the tab.

const KEY = "asr-token";

export class AccessError extends Error {}

export function remember(token) {
  sessionStorage.setItem(KEY, token);
}

function token() {
  return sessionStorage.getItem(KEY) || "";
}

async function ask(path, options = {}) {
  const headers = token() ? { Authorization: `Bearer ${token()}` } : {};
  const response = await fetch(path, { ...options, headers });
  const content = await response.json();
  if (response.status === 401) throw new AccessError("The token is not right.");
  if (!response.ok) throw new Error(content.error.message);
  return content;
}

export async function model() {
  return (await ask("/v1/models")).data[0];
}

export function transcribe(file) {
  const form = new FormData();
  form.append("file", file);
  form.append("model", "whisper-1");
  form.append("response_format", "verbose_json");
  form.append("timestamp_granularities[]", "word");
  form.append("timestamp_granularities[]", "segment");
  return ask("/v1/audio/transcriptions", { method: "POST", body: form });
}

// A conversation: `say` gets every answer, `end` the reason why it is over, empty if all was said.
export class Conversation {
  constructor(sampleRate, say, end) {
    const scheme = location.protocol === "https:" ? "wss:" : "ws:";
    const query = token() ? `?token=${encodeURIComponent(token())}` : "";
    this.socket = new WebSocket(`${scheme}//${location.host}/ws${query}`);
    this.socket.onopen = () => this.send(JSON.stringify({ config: { sample_rate: sampleRate, stable: true } }), true);
    this.socket.onmessage = ({ data }) => say(JSON.parse(data));
    this.socket.onclose = ({ code, reason }) => {
      end(code === 1000 ? "" : reason || "The connection was lost.");
    };
    this.early = []; // what is said before the connection stands
  }

  send(message, first = false) {
    if (this.socket.readyState === WebSocket.CONNECTING) {
      this.early.push(message);
    } else if (this.socket.readyState === WebSocket.OPEN) {
      this.socket.send(message);
      if (first) this.early.splice(0).forEach((held) => this.socket.send(held));
    }
  }

  finish() {
    this.send(JSON.stringify({ eof: 1 }));
  }
}
