package hongyan.clients

import kotlin.coroutines.resume
import kotlin.coroutines.resumeWithException
import kotlin.time.Duration
import kotlin.time.Duration.Companion.milliseconds
import kotlin.time.Duration.Companion.seconds
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.Job
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.suspendCancellableCoroutine
import kotlinx.io.bytestring.ByteString
import okhttp3.Headers.Companion.toHeaders
import okhttp3.OkHttp
import okhttp3.OkHttpClient
import okhttp3.Request
import okhttp3.Response
import okhttp3.WebSocket
import okhttp3.WebSocketListener
import okio.ByteString.Companion.toByteString
import org.hildan.krossbow.stomp.StompClient
import org.hildan.krossbow.stomp.StompErrorFrameReceived
import org.hildan.krossbow.stomp.StompSession
import org.hildan.krossbow.stomp.config.HeartBeat
import org.hildan.krossbow.stomp.config.HeartBeatTolerance
import org.hildan.krossbow.stomp.frame.FrameBody
import org.hildan.krossbow.stomp.headers.AckMode
import org.hildan.krossbow.stomp.headers.StompSendHeaders
import org.hildan.krossbow.stomp.headers.StompSubscribeHeaders
import org.hildan.krossbow.stomp.sendText
import org.hildan.krossbow.stomp.use
import org.hildan.krossbow.stomp.withTransaction
import org.hildan.krossbow.websocket.WebSocketClient
import org.hildan.krossbow.websocket.WebSocketConnection
import org.hildan.krossbow.websocket.WebSocketConnectionException
import org.hildan.krossbow.websocket.WebSocketListenerFlowAdapter
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Test

val okHttp = OkHttpClient()

/** OkHttp for Krossbow. [offered] stands in for the subprotocols that Krossbow offers: v12, v11 and v10. */
class OkHttpForKrossbow(
    private val wire: Wire,
    private val heard: Heard,
    private val offered: List<String>?,
) : WebSocketClient {
    override val supportsCustomHeaders = true

    override suspend fun connect(
        url: String,
        protocols: List<String>,
        headers: Map<String, String>,
    ): WebSocketConnection {
        val request = Request.Builder().url(url).headers(headers.toHeaders())
            .header("Sec-WebSocket-Protocol", (offered ?: protocols).joinToString())
        val flow = WebSocketListenerFlowAdapter()
        return suspendCancellableCoroutine { opened ->
            val listener = object : WebSocketListener() {
                override fun onOpen(webSocket: WebSocket, response: Response) =
                    opened.resume(Opened(webSocket, url, response.header("Sec-WebSocket-Protocol"), flow))

                override fun onMessage(webSocket: WebSocket, text: String) {
                    wire.message(text)
                    runBlocking { flow.onTextMessage(text) }
                }

                override fun onMessage(webSocket: WebSocket, bytes: okio.ByteString) {
                    wire.binary(bytes.utf8())
                    runBlocking { flow.onBinaryMessage(ByteString(bytes.toByteArray())) }
                }

                override fun onClosing(webSocket: WebSocket, code: Int, reason: String) {
                    heard.disconnected()
                    runBlocking { flow.onClose(code, reason) }
                    webSocket.close(1000, null)
                }

                override fun onFailure(webSocket: WebSocket, t: Throwable, response: Response?) {
                    heard.disconnected()
                    val why = WebSocketConnectionException(url, response?.code, t.message, cause = t)
                    if (opened.isActive) opened.resumeWithException(why) else flow.onError(t)
                }
            }
            okHttp.newWebSocket(request.build(), listener)
        }
    }

    private class Opened(
        private val socket: WebSocket,
        override val url: String,
        override val protocol: String?,
        flow: WebSocketListenerFlowAdapter,
    ) : WebSocketConnection {
        override val incomingFrames = flow.incomingFrames
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

class KrossbowConnection(val session: StompSession, private val heard: Heard) : Acknowledging {
    private val scope = CoroutineScope(Dispatchers.IO)
    private val jobs = HashMap<String, Job>()

    override fun subscribe(destination: String) = subscribe(StompSubscribeHeaders(destination))

    override fun consume(queue: String) = subscribe(StompSubscribeHeaders(queue, ack = AckMode.CLIENT_INDIVIDUAL))

    override fun unsubscribe(destination: String) = runBlocking { jobs.remove(destination)!!.cancelAndJoin() }

    override fun ack(id: String) = runBlocking { session.ack(id) }

    override fun nack(id: String) = runBlocking { session.nack(id) }

    /** [received] gets the value for ACK. */
    fun subscribe(headers: StompSubscribeHeaders, received: (String) -> Unit = {}) = runBlocking {
        val messages = session.subscribe(headers)
        jobs[headers.destination] = scope.launch {
            try {
                messages.collect { message ->
                    message.headers.ack?.let(received)
                    heard.put(message.headers.destination, message.bodyAsText)
                }
            } catch (error: StompErrorFrameReceived) {
                heard.error(error.frame.headers.message, error.frame.bodyAsText)
            } catch (_: Exception) {
                // The connection is gone, and the listener has said so; or the subscription is.
            }
        }
    }

    override fun send(destination: String, body: String) = runBlocking<Unit> { session.sendText(destination, body) }

    override fun leave() = runBlocking { session.disconnect() }
}

/** Krossbow, strict with what it gets, asks for a receipt of all it sends. */
abstract class KrossbowChat(private val offered: List<String>?, private val version: String) : WholeChatTest() {
    override val row =
        Row("krossbow ${System.getProperty("krossbow.version")} with OkHttp ${OkHttp.VERSION}", "WebSocket", version)

    override fun url(query: String) = "ws://${broker.address}/client$query"

    override fun open(url: String, connect: Map<String, String>, heard: Heard) = open(url, connect, heard, 10.seconds)

    private fun open(url: String, connect: Map<String, String>, heard: Heard, beat: Duration): KrossbowConnection {
        val client = StompClient(OkHttpForKrossbow(wire, heard, offered)) {
            autoReceipt = true
            connectWithStompCommand = offered != null
            receiptTimeout = PATIENCE_S.seconds
            connectionTimeout = PATIENCE_S.seconds
            disconnectTimeout = PATIENCE_S.seconds
            heartBeat = HeartBeat(beat, beat)
            heartBeatTolerance = HeartBeatTolerance(0.milliseconds, PATIENCE_S.seconds)
        }
        val session = runBlocking { client.connect(url, connect["login"], connect["passcode"]) }
        assertEquals(version, wire.expect("CONNECTED").headers["version"])
        return KrossbowConnection(session, heard)
    }

    private val Client.krossbow get() = connection as KrossbowConnection

    @Test
    @Proves("beats")
    fun `heart-beats go both ways`() {
        val li = person("li")
        val heard = Heard()
        val one = Client(li, heard, open(url("?srect=${li.token}"), emptyMap(), heard, 1.seconds))
        repeat(7) { wire.expect(Wire.BEAT) } // in more time than the broker waits for a beat of ours
        one.say(li.uid, "still here")
        assertEquals("still here", one.message()["content"].asText())
        one.connection.leave()
    }

    @Test
    fun `ACK confirms`() {
        val (li, wu) = Pair(person("li"), person("wu"))
        val (one, two) = Pair(connect(li), connect(wu))
        val inbox = StompSubscribeHeaders("/user/${wu.name}/recive", ack = AckMode.CLIENT_INDIVIDUAL)
        two.krossbow.subscribe(inbox) { ack -> runBlocking { two.krossbow.session.ack(ack) } }
        val msgId = one.say(wu.uid, "acknowledged")
        assertEquals(msgId, two.heard.expect(inbox.destination)["chatID"].asText())
        assertEquals(msgId, one.status("delivery")["msgID"].asText())
    }

    @Test
    @Proves("transaction")
    fun `a transaction is sent when it is committed, and dropped when it is aborted`() {
        val li = person("li")
        val one = connect(li)
        suspend fun StompSession.write(digit: Char, id: String) {
            val body = mapOf("msgID" to "$digit".repeat(40), "reciverId" to li.uid, "content" to "$digit")
            val headers = StompSendHeaders("/socket/chat/send") { transaction = id }
            send(headers, FrameBody.Text(json.writeValueAsString(body)))
        }
        runBlocking {
            one.krossbow.session.begin("dropped")
            one.krossbow.session.write('0', "dropped")
            one.krossbow.session.abort("dropped")
            one.krossbow.session.withTransaction { id -> for (digit in "12") write(digit, id) }
        }
        assertEquals(listOf("1", "2"), List(2) { one.message()["content"].asText() })
    }
}

class KrossbowTest : KrossbowChat(offered = null, version = "1.2")

class KrossbowV11Test : KrossbowChat(offered = listOf("v11.stomp"), version = "1.1")
