// MQTT inside web sockets, for device clients that have port 443 alone: the server's side of one connection.
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { createWebSocketStream, WebSocketServer } from 'ws';

export const WEB_SOCKET_PATH = '/$iothub/websocket';

/** Larger than any packet that the hub takes; clients put a packet, or a part of one, into each message. */
const PAYLOAD_BYTES_MAX = 512 * 1024;

type AcceptWebSocket = (request: IncomingMessage, socket: Duplex, head: Buffer, open: (stream: Duplex) => void) => void;

/** Opens what is said inside, as bytes in both directions; a request for something else is refused. */
export function createWebSocketAcceptor(): AcceptWebSocket {
  const server = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    maxPayload: PAYLOAD_BYTES_MAX,
    handleProtocols: (offered) => offered.has('mqtt') && 'mqtt',
  });
  return (request, socket, head, open) => {
    if (request.url?.split('?')[0] !== WEB_SOCKET_PATH) {
      socket.on('error', () => {});
      socket.end('HTTP/1.1 404 Not Found\r\nconnection: close\r\n\r\n');
      return;
    }
    server.handleUpgrade(request, socket, head, (webSocket) => {
      const stream = createWebSocketStream(webSocket, { allowHalfOpen: false });
      // Without waiting for an answer to the close frame.
      webSocket.on('error', () => webSocket.terminate());
      // MQTT 3.1.1, section 6: packets come in binary frames, and others end the connection.
      webSocket.prependListener('message', (_data, isBinary) => {
        if (!isBinary) stream.destroy();
      });
      stream.on('error', () => {});
      open(stream);
    });
  };
}
