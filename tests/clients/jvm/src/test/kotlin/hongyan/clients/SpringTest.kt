package hongyan.clients

import com.fasterxml.jackson.databind.JsonNode
import jakarta.websocket.ContainerProvider
import java.lang.reflect.Type
import java.net.URI
import java.util.concurrent.CompletableFuture
import java.util.concurrent.TimeUnit.SECONDS
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Test
import org.springframework.core.SpringVersion
import org.springframework.messaging.converter.ByteArrayMessageConverter
import org.springframework.messaging.converter.CompositeMessageConverter
import org.springframework.messaging.converter.MappingJackson2MessageConverter
import org.springframework.messaging.converter.StringMessageConverter
import org.springframework.messaging.simp.stomp.StompFrameHandler
import org.springframework.messaging.simp.stomp.StompHeaders
import org.springframework.messaging.simp.stomp.StompSession
import org.springframework.messaging.simp.stomp.StompSessionHandlerAdapter
import org.springframework.scheduling.concurrent.ThreadPoolTaskScheduler
import org.springframework.util.MimeTypeUtils.APPLICATION_JSON
import org.springframework.util.MimeTypeUtils.APPLICATION_OCTET_STREAM
import org.springframework.web.socket.CloseStatus
import org.springframework.web.socket.TextMessage
import org.springframework.web.socket.WebSocketHandler
import org.springframework.web.socket.WebSocketHttpHeaders
import org.springframework.web.socket.WebSocketMessage
import org.springframework.web.socket.WebSocketSession
import org.springframework.web.socket.client.WebSocketClient
import org.springframework.web.socket.client.standard.StandardWebSocketClient
import org.springframework.web.socket.handler.WebSocketHandlerDecorator
import org.springframework.web.socket.messaging.WebSocketStompClient
import org.springframework.web.socket.sockjs.client.RestTemplateXhrTransport
import org.springframework.web.socket.sockjs.client.SockJsClient
import org.springframework.web.socket.sockjs.client.WebSocketTransport

/** A WebSocket or SockJS client whose messages are shown to the [wire]. */
class Overheard(
    private val client: WebSocketClient,
    private val wire: Wire,
    private val heard: Heard,
) : WebSocketClient {
    override fun execute(handler: WebSocketHandler, uriTemplate: String, vararg variables: Any?) =
        client.execute(Ear(handler), uriTemplate, *variables)

    override fun execute(handler: WebSocketHandler, headers: WebSocketHttpHeaders?, uri: URI) =
        client.execute(Ear(handler), headers, uri)

    private inner class Ear(handler: WebSocketHandler) : WebSocketHandlerDecorator(handler) {
        override fun handleMessage(session: WebSocketSession, message: WebSocketMessage<*>) {
            if (message is TextMessage) wire.message(message.payload) else wire.binary("$message")
            super.handleMessage(session, message)
        }

        override fun afterConnectionClosed(session: WebSocketSession, closeStatus: CloseStatus) {
            super.afterConnectionClosed(session, closeStatus)
            heard.disconnected()
        }
    }
}

/** Spring's session, which takes JSON by its content type, and anything else as text. */
class SpringConnection(private val heard: Heard) : StompSessionHandlerAdapter(), Acknowledging {
    lateinit var session: StompSession
    private val subscriptions = HashMap<String, StompSession.Subscription>()
    private val headers = CompletableFuture<StompHeaders>()
    private val lost = CompletableFuture<Unit>()

    override fun afterConnected(session: StompSession, connectedHeaders: StompHeaders) {
        headers.complete(connectedHeaders)
    }

    /** The headers of CONNECTED. */
    fun connected(): StompHeaders = headers.get(PATIENCE_S, SECONDS)

    override fun getPayloadType(headers: StompHeaders): Type =
        if (APPLICATION_JSON.isCompatibleWith(headers.contentType)) JsonNode::class.java else String::class.java

    /** MESSAGE comes here by the subscription, ERROR by the session. */
    override fun handleFrame(headers: StompHeaders, payload: Any?) {
        if (payload is JsonNode) heard.put(headers.destination!!, payload)
        else heard.error(headers.getFirst("message"), "$payload")
    }

    override fun handleTransportError(session: StompSession, exception: Throwable) {
        lost.completeExceptionally(exception)
    }

    override fun subscribe(destination: String) = subscribe(destination, "auto")

    override fun consume(queue: String) = subscribe(queue, "client-individual")

    private fun subscribe(destination: String, ack: String) = receipt {
        val headers = StompHeaders()
        headers.destination = destination
        headers.ack = ack
        session.subscribe(headers, this as StompFrameHandler).also { subscriptions[destination] = it }
    }

    override fun unsubscribe(destination: String) = subscriptions.remove(destination)!!.unsubscribe()

    override fun ack(id: String) = receipt { session.acknowledge(id, true) }

    override fun nack(id: String) = receipt { session.acknowledge(id, false) }

    override fun send(destination: String, body: String) =
        receipt { session.send(destination, if (body.isEmpty()) null else json.readTree(body)) }

    /** In a binary message, where that is possible: so Spring sends a body of this type. */
    fun sendOctets(destination: String, body: String) = receipt {
        val headers = StompHeaders()
        headers.destination = destination
        headers.contentType = APPLICATION_OCTET_STREAM
        session.send(headers, body.toByteArray())
    }

    private fun receipt(sent: () -> StompSession.Receiptable) {
        val received = CompletableFuture<Unit>()
        sent().addReceiptTask(Runnable { received.complete(Unit) })
        CompletableFuture.anyOf(received, lost).get(PATIENCE_S, SECONDS)
    }

    override fun leave() {
        session.disconnect()
        heard.expect("disconnected")
    }
}

val scheduler = ThreadPoolTaskScheduler().apply {
    isDaemon = true
    initialize()
}

/** Tomcat's takes messages of 8 KiB unless it is told otherwise. */
val webSocketClient = StandardWebSocketClient(
    ContainerProvider.getWebSocketContainer().apply { defaultMaxTextMessageBufferSize = MESSAGE_CHARS_MAX },
)

const val MESSAGE_CHARS_MAX = 256 * 1024

fun stompClient(client: WebSocketClient, beatMs: Long) = WebSocketStompClient(client).apply {
    taskScheduler = scheduler
    defaultHeartbeat = longArrayOf(beatMs, beatMs)
    inboundMessageSizeLimit = MESSAGE_CHARS_MAX
    receiptTimeLimit = PATIENCE_S * 1000
    messageConverter = CompositeMessageConverter(
        listOf(ByteArrayMessageConverter(), StringMessageConverter(), MappingJackson2MessageConverter()),
    )
}

fun springSession(
    client: WebSocketClient,
    url: String,
    connect: Map<String, String>,
    heard: Heard,
    beatMs: Long = 10_000,
): SpringConnection {
    val connection = SpringConnection(heard)
    val headers = StompHeaders().apply { connect.forEach(::set) }
    connection.session = stompClient(client, beatMs)
        .connectAsync(URI(url), WebSocketHttpHeaders(), headers, connection).get(PATIENCE_S, SECONDS)
    connection.session.setAutoReceipt(true)
    return connection
}

/** Spring's STOMP client over whatever Spring takes for a WebSocket. */
abstract class SpringChat(transport: String) : WholeChatTest() {
    override val row = Row("Spring's WebSocketStompClient ${SpringVersion.getVersion()}", transport, "1.2")

    protected abstract val client: WebSocketClient

    override fun open(url: String, connect: Map<String, String>, heard: Heard) = open(url, connect, heard, 10_000)

    protected open fun open(url: String, connect: Map<String, String>, heard: Heard, beatMs: Long): Connection =
        springSession(Overheard(client, wire, heard), url, connect, heard, beatMs)

    @Test
    @Proves("beats")
    fun `heart-beats go both ways`() {
        val li = person("li")
        val heard = Heard()
        val one = Client(li, heard, open(url("?srect=${li.token}"), emptyMap(), heard, 1_000))
        repeat(7) { wire.expect(Wire.BEAT) } // in more time than the broker waits for a beat of ours
        one.say(li.uid, "still here")
        assertEquals("still here", one.message()["content"].asText())
        one.connection.leave()
    }
}

class SpringWebSocketTest : SpringChat("WebSocket") {
    override val client = webSocketClient

    override fun url(query: String) = "ws://${broker.address}/client$query"

    @Test
    fun `a binary message is taken`() {
        val li = person("li")
        val one = connect(li)
        val body = mapOf("msgID" to "b".repeat(40), "reciverId" to li.uid, "content" to "二进制")
        (one.connection as SpringConnection).sendOctets("/socket/chat/send", json.writeValueAsString(body))
        assertEquals(200, one.status()["code"].asInt())
        assertEquals("二进制", one.message()["content"].asText())
    }
}

class SpringSockJsWebSocketTest : SpringChat("SockJS, websocket") {
    override val client = SockJsClient(listOf(WebSocketTransport(webSocketClient)))

    override fun url(query: String) = "http://${broker.address}/socketServer$query"
}

class SpringSockJsXhrTest : SpringChat("SockJS, xhr-streaming") {
    override val client = SockJsClient(listOf(RestTemplateXhrTransport()))

    override fun url(query: String) = "http://${broker.address}/socketServer$query"
}
