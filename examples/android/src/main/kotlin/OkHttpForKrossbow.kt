// OkHttp's WebSocket as Krossbow asks for one. Krossbow has its own in `krossbow-websocket-okhttp`; where your repository has
// that, take `OkHttpWebSocketClient(okHttp)` instead of this file.
import kotlin.coroutines.resume
import kotlin.coroutines.resumeWithException
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.suspendCancellableCoroutine
import kotlinx.io.bytestring.ByteString
import okhttp3.Headers.Companion.toHeaders
import okhttp3.OkHttpClient
import okhttp3.Request
import okhttp3.Response
import okhttp3.WebSocket
import okhttp3.WebSocketListener
import okio.ByteString.Companion.toByteString
import org.hildan.krossbow.websocket.WebSocketClient
import org.hildan.krossbow.websocket.WebSocketConnection
import org.hildan.krossbow.websocket.WebSocketConnectionException
import org.hildan.krossbow.websocket.WebSocketListenerFlowAdapter

class OkHttpForKrossbow(private val okHttp: OkHttpClient) : WebSocketClient {
    override val supportsCustomHeaders = true

    override suspend fun connect(url: String, protocols: List<String>, headers: Map<String, String>): WebSocketConnection {
        val request = Request.Builder().url(url).headers(headers.toHeaders())
        if (protocols.isNotEmpty()) request.header("Sec-WebSocket-Protocol", protocols.joinToString())
        val heard = WebSocketListenerFlowAdapter()
        return suspendCancellableCoroutine { opened ->
            okHttp.newWebSocket(request.build(), object : WebSocketListener() {
                override fun onOpen(webSocket: WebSocket, response: Response) =
                    opened.resume(Connection(webSocket, url, response.header("Sec-WebSocket-Protocol"), heard))

                override fun onMessage(webSocket: WebSocket, text: String) = runBlocking { heard.onTextMessage(text) }

                override fun onMessage(webSocket: WebSocket, bytes: okio.ByteString) =
                    runBlocking { heard.onBinaryMessage(ByteString(bytes.toByteArray())) }

                override fun onClosing(webSocket: WebSocket, code: Int, reason: String) {
                    runBlocking { heard.onClose(code, reason) }
                    webSocket.close(1000, null)
                }

                override fun onFailure(webSocket: WebSocket, t: Throwable, response: Response?) {
                    val why = WebSocketConnectionException(url, response?.code, t.message, cause = t)
                    if (opened.isActive) opened.resumeWithException(why) else heard.onError(t)
                }
            })
        }
    }

    private class Connection(
        private val socket: WebSocket,
        override val url: String,
        override val protocol: String?,
        heard: WebSocketListenerFlowAdapter,
    ) : WebSocketConnection {
        override val incomingFrames = heard.incomingFrames
        override val canSend = true

        override suspend fun sendText(frameText: String) {
            socket.send(frameText)
        }

        override suspend fun sendBinary(frameData: ByteString) {
            socket.send(frameData.toByteArray().toByteString())
        }

        override suspend fun close(code: Int, reason: String?) {
            socket.close(code, reason)
        }
    }
}
