// The WebSocket of whichever k6 this is: the module left its experimental name in the course of 1.x.

function load() {
  try {
    return require('k6/websockets').WebSocket;
  } catch (_older) {
    return require('k6/experimental/websockets').WebSocket;
  }
}

export const WebSocket = load();

// The close code that an event carries, if any. A close by the server may come as an error whose words hold the code.
export function closeCode(event) {
  if (event.code) return event.code;
  const found = /close (\d{4})/.exec(event.error || event.reason || '');
  return found ? Number(found[1]) : 0;
}
