package hongyan.clients

import java.util.UUID
import java.util.concurrent.CompletableFuture
import java.util.concurrent.TimeUnit.SECONDS
import okhttp3.OkHttp
import okhttp3.Request
import okhttp3.Response
import okhttp3.WebSocket
import okhttp3.WebSocketListener
import okio.ByteString
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Test

/** The frames of StompProtocolAndroid, byte by byte, over the OkHttp that it uses. */
class AndroidConnection(
    url: String,
    connect: Map<String, String>,
    private val heard: Heard,
    private val wire: Wire,
    private val legacyWhitespace: Boolean,
    private val beatMs: Int,
) : WebSocketListener(), Connection {
    private val connected = CompletableFuture<Unit>()
    private val ids = HashMap<String, String>()
    private val connectHeaders = mapOf("accept-version" to "1.1,1.2", "heart-beat" to "$beatMs,$beatMs") + connect
    private val socket = okHttp.newWebSocket(Request.Builder().url(url).build(), this)

    init {
        connected.get(PATIENCE_S, SECONDS)
    }

    private fun WebSocket.frame(command: String, headers: Map<String, String>, body: String? = null) {
        val lines = headers.map { (name, value) -> "$name:$value\n" }.joinToString("")
        val end = if (body != null && legacyWhitespace) "\n\n" else ""
        check(send("$command\n$lines\n${body.orEmpty()}$end\u0000")) { "the connection is closed" }
    }

    override fun onOpen(webSocket: WebSocket, response: Response) = webSocket.frame("CONNECT", connectHeaders)

    override fun onMessage(webSocket: WebSocket, bytes: ByteString) = webSocket.got(wire.binary(bytes.utf8()))

    override fun onMessage(webSocket: WebSocket, text: String) = webSocket.got(wire.message(text))

    private fun WebSocket.got(frame: Frame?) {
        when (frame?.command) {
            null -> if (beatMs > 0) send("\r\n")
            "CONNECTED" -> connected.complete(Unit)
            "MESSAGE" -> heard.put(frame.headers.getValue("destination"), frame.body)
            "ERROR" -> heard.error(frame.headers["message"], frame.body)
        }
    }

    override fun onClosing(webSocket: WebSocket, code: Int, reason: String) {
        webSocket.close(code, reason)
    }

    override fun onClosed(webSocket: WebSocket, code: Int, reason: String) =
        gone(IllegalStateException("closed: $code"))

    override fun onFailure(webSocket: WebSocket, t: Throwable, response: Response?) = gone(t)

    private fun gone(why: Throwable) {
        heard.disconnected()
        connected.completeExceptionally(why)
    }

    override fun subscribe(destination: String) {
        val id = "${UUID.randomUUID()}"
        ids[destination] = id
        socket.frame("SUBSCRIBE", mapOf("id" to id, "destination" to destination, "ack" to "auto"))
    }

    override fun unsubscribe(destination: String) =
        socket.frame("UNSUBSCRIBE", mapOf("id" to ids.remove(destination)!!))

    override fun send(destination: String, body: String) =
        socket.frame("SEND", mapOf("destination" to destination), body.takeIf { it.isNotEmpty() || legacyWhitespace })

    /** It never says DISCONNECT. */
    override fun leave() {
        socket.close(1000, "")
        heard.expect("disconnected")
    }
}

/** StompProtocolAndroid: no subprotocol, no host, no receipts, no lengths. */
abstract class AndroidChat(
    transport: String,
    private val path: String,
    private val legacyWhitespace: Boolean,
) : ChatTest() {
    override val row = Row("StompProtocolAndroid (its frames) with OkHttp ${OkHttp.VERSION}", transport, "1.2")

    override fun url(query: String) = "ws://${broker.address}$path$query"

    override fun open(url: String, connect: Map<String, String>, heard: Heard): Connection =
        AndroidConnection(url, connect, heard, wire, legacyWhitespace, beatMs = 0)

    @Test
    @Proves("beats")
    fun `heart-beats go both ways`() {
        val li = person("li")
        val heard = Heard()
        val url = url("?srect=${li.token}")
        val connection = AndroidConnection(url, emptyMap(), heard, wire, legacyWhitespace, beatMs = 1000)
        val one = Client(li, heard, connection)
        repeat(7) { wire.expect(Wire.BEAT) } // in more time than the broker waits for a beat of ours
        one.say(li.uid, "still here")
        assertEquals("still here", one.message()["content"].asText())
        connection.leave()
    }
}

class AndroidTest : AndroidChat("WebSocket", "/client", legacyWhitespace = false)

class AndroidLegacyTest :
    AndroidChat("raw WebSocket of SockJS, legacyWhitespace", "/socketServer/websocket", legacyWhitespace = true)
