//! What goes over a client's socket: event JSON, WebSocket frames, close codes.
