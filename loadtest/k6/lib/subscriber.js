// One subscriber, which returns with its cursor whenever it is closed.

import { WebSocket, closeCode } from './websocket.js';
import {
  catchUp, closes, events, gaps, lag, reconnects, reordered, returns, streamLength, unexpectedCloses, unreadable,
} from './metrics.js';

// The node restarts, or moves its clients: an invitation to return.
const SERVICE_RESTART = 1012;
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 2000;
// An event that is not older than this was not replayed.
const LIVE_MS = 2000;
// One event in so many is parsed, and its lag kept: k6 must not be the bottleneck.
const SAMPLED = 16;

export class Subscriber {
  constructor({ url, filter, cursor, isReplay }) {
    this.url = url;
    this.filter = filter;
    this.tags = { filter: filter.kind };
    // The time_us of the last event, or where to begin.
    this.cursor = cursor;
    this.hasEvent = false;
    this.isReplay = isReplay;
    this.isLive = !isReplay && cursor === null;
    this.length = 0;
    this.isOver = false;
    this.socket = null;
    this.pause = FIRST_PAUSE_MS;
  }

  // Begins after a while, and ends at a moment; leaves and returns at every multiple of `stormEvery` seconds.
  runUntil(endsAt, delay, stormEvery) {
    setTimeout(() => this.connect(), delay);
    setTimeout(() => this.finish(), endsAt - Date.now());
    if (stormEvery > 0) {
      const storm = setInterval(() => (this.isOver ? clearInterval(storm) : this.leave()), stormEvery * 1000);
    }
  }

  connect() {
    if (this.isOver) return;
    const cursor = this.cursor === null ? '' : `cursor=${this.cursor}`;
    const query = [this.filter.query, cursor].filter((it) => it !== '').join('&');
    const socket = new WebSocket(query === '' ? this.url : `${this.url}?${query}`);
    const began = Date.now();
    this.socket = socket;
    this.isResuming = this.hasEvent;
    socket.onopen = () => {
      this.pause = FIRST_PAUSE_MS;
    };
    socket.onmessage = ({ data }) => this.receive(data, began);
    socket.onerror = (event) => this.closed(socket, closeCode(event));
    socket.onclose = (event) => this.closed(socket, closeCode(event));
  }

  receive(data, began) {
    const time = timeOf(data);
    if (Number.isNaN(time)) {
      unreadable.add(1, this.tags);
      return;
    }
    if (this.isResuming) {
      this.isResuming = false;
      if (time === this.cursor) return;
      if (time > this.cursor) gaps.add(1, this.tags);
    }
    if (this.hasEvent && time <= this.cursor) reordered.add(1, this.tags);
    this.hasEvent = true;
    this.cursor = time;
    this.length += 1;
    const behind = Date.now() - time / 1000;
    if (!this.isLive && behind < LIVE_MS) {
      this.isLive = true;
      if (this.isReplay) catchUp.add(Date.now() - began, this.tags);
    }
    if (this.length % SAMPLED === 0) {
      events.add(SAMPLED, this.tags);
      if (this.isLive) lag.add(behind, this.tags);
      this.check(data, time);
    }
  }

  check(data, time) {
    try {
      const event = JSON.parse(data);
      if (event.time_us !== time || !event.did || !event[event.kind]) unreadable.add(1, this.tags);
    } catch (_notJson) {
      unreadable.add(1, this.tags);
    }
  }

  // A close may be reported twice, as an error and as a close.
  closed(socket, code) {
    if (socket !== this.socket) return;
    this.socket = null;
    if (this.isOver) return;
    if (this.isLeaving) {
      this.isLeaving = false;
      returns.add(1);
      this.connect();
      return;
    }
    closes.add(1, { code: String(code) });
    unexpectedCloses.add(code !== SERVICE_RESTART, { code: String(code) });
    this.isLive = false;
    reconnects.add(1);
    setTimeout(() => this.connect(), this.pause * (0.5 + Math.random()));
    this.pause = Math.min(this.pause * 2, LONGEST_PAUSE_MS);
  }

  leave() {
    if (this.socket === null) return;
    this.isLeaving = true;
    this.isLive = false;
    this.socket.close();
  }

  finish() {
    this.isOver = true;
    if (this.socket !== null) this.socket.close();
    streamLength.add(this.length, this.tags);
    events.add(this.length % SAMPLED, this.tags);
    gaps.add(0, this.tags);
    unexpectedCloses.add(false);
  }
}

// The time_us of an event's JSON, without parsing all of it.
function timeOf(data) {
  const at = data.indexOf('"time_us":');
  return at < 0 ? NaN : parseInt(data.substring(at + 10, at + 30), 10);
}
