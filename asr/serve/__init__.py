"""The server: OpenAI's way to transcribe recordings, Vosk's way to listen, and a page for the browser."""
