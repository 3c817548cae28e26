package hongyan.clients

import io.socket.client.Ack
import io.socket.client.IO
import io.socket.client.Socket
import java.util.concurrent.CompletableFuture
import java.util.concurrent.LinkedBlockingQueue
import java.util.concurrent.TimeUnit.SECONDS
import org.json.JSONArray
import org.json.JSONObject
import org.junit.jupiter.api.AfterAll
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.DynamicTest
import org.junit.jupiter.api.DynamicTest.dynamicTest
import org.junit.jupiter.api.TestFactory
import org.junit.jupiter.api.TestInstance

/**
 * io.socket:socket.io-client 2 (Engine.IO 4) and 1.0 (Engine.IO 3), by polling and by WebSocket: logs in, sends and receives
 * in each of the three dialects. pom.xml says which of the two it is; `run` tests both.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class SocketIoTest {
    private val broker = Broker()
    private val dialects = mapOf(
        "seed 000" to ::Rooms,
        "seed 001" to ::Conversations,
        "seed 002" to ::Typed,
    )

    @AfterAll
    fun stop() = assertEquals(0, broker.stop(), "SIGTERM ends the broker with status 0")

    @TestFactory
    fun chats(): List<DynamicTest> = dialects.flatMap { (dialect, connect) ->
        listOf("polling", "websocket").map { transport ->
            dynamicTest("$dialect, $transport") {
                val (li, wu) = listOf("li", "wu").map { broker.person("$it of $dialect, $transport") }
                val one = connect(broker, li, transport)
                one.send(wu, "起来聊天 😀: a\\b")
                val two = connect(broker, wu, transport)
                assertEquals(li.uid to "起来聊天 😀: a\\b", two.next(), "what came off line")
                one.send(wu, "now")
                assertEquals(li.uid to "now", two.next())
                two.send(li, "and back: 好")
                assertEquals(wu.uid to "and back: 好", one.next())
                one.leave()
                two.leave()
            }
        }
    }
}

/** One connection of one person. */
abstract class Talker(
    protected val broker: Broker,
    protected val person: Person,
    transport: String,
    private val events: List<Pair<String, String>>,
) {
    private val heard = events.associateWith { LinkedBlockingQueue<Any>() }
    private val root: Socket
    private val sockets = mutableMapOf<String, Socket>()

    init {
        val options = IO.Options()
        options.forceNew = true
        options.reconnection = false
        options.transports = arrayOf(transport)
        root = IO.socket("http://${broker.address}", options)
        val namespaces = listOf("/") + events.map { it.first }
        val connected = namespaces.distinct().map { namespace ->
            val socket = if (namespace == "/") root else root.io().socket(namespace)
            sockets[namespace] = socket
            for (event in events.filter { it.first == namespace }) {
                socket.on(event.second) { arguments -> heard.getValue(event).put(arguments[0]) }
            }
            val connected = CompletableFuture<Unit>()
            socket.on(Socket.EVENT_CONNECT) { connected.complete(Unit) }
            socket.open()
            connected
        }
        connected.forEach { it.get(PATIENCE_S, SECONDS) }
    }

    protected fun take(namespace: String, event: String): Any =
        checkNotNull(heard.getValue(namespace to event).poll(PATIENCE_S, SECONDS)) { "no $event came" }

    protected fun emit(namespace: String, event: String, body: Any) {
        sockets.getValue(namespace).emit(event, body)
    }

    /** Emits, and waits for the acknowledgement. */
    protected fun ask(event: String, body: JSONObject): JSONObject {
        val answer = CompletableFuture<JSONObject>()
        root.emit(event, arrayOf(body), Ack { arguments -> answer.complete(arguments[0] as JSONObject) })
        return answer.get(PATIENCE_S, SECONDS)
    }

    abstract fun send(to: Person, text: String)

    /** The next message: whose it is, and its text. */
    abstract fun next(): Pair<Long, String>

    fun leave() = sockets.values.reversed().forEach { it.close() }
}

/** Seed 000. */
class Rooms(broker: Broker, person: Person, transport: String) :
    Talker(broker, person, transport, listOf("/" to "auth-s", "/" to "saoff", "/friend" to "sfmsg")) {
    private val waited = ArrayDeque<JSONObject>()
    private var sent = 0

    init {
        emit("/", "auth-c", JSONObject().put("sessionid", person.token))
        assertEquals(1, (take("/", "auth-s") as JSONObject).getInt("code"))
        emit("/", "caoff", JSONObject().put("from", person.uid).put("to", "server"))
        val logs = (take("/", "saoff") as JSONObject).getJSONArray("flogs")
        for (index in 0 until logs.length()) waited.add(logs.getJSONObject(index))
    }

    override fun send(to: Person, text: String) {
        val message = JSONObject().put("id", "m-${++sent}").put("from", person.uid).put("to", to.uid).put("msg", text)
        emit("/friend", "cfmsg", message.put("sendDate", sent))
        val receipt = take("/friend", "sfmsg") as JSONObject
        assertEquals(message.getString("id") to text, receipt.getString("id") to receipt.getString("msg"))
    }

    override fun next(): Pair<Long, String> {
        val message = waited.removeFirstOrNull() ?: take("/friend", "sfmsg") as JSONObject
        return message.getLong("from") to message.getString("msg")
    }
}

/** Seed 001. */
class Conversations(broker: Broker, person: Person, transport: String) :
    Talker(broker, person, transport, listOf("/" to "connected", "/" to "message/direct")) {
    private val token: String

    init {
        val socketId = (take("/", "connected") as JSONObject).getString("socketId")
        val logIn = JSONObject().put("userId", person.uid).put("socketId", socketId).put("token", person.token)
        token = ask("logIn", logIn).getString("sessionToken")
    }

    override fun send(to: Person, text: String) {
        val message = JSONObject().put("sessionToken", token).put("targetIds", JSONArray().put(to.uid))
        val answer = ask("message/direct", message.put("type", "text").put("textContent", text))
        assertEquals(201, answer.getInt("statusCode"), answer.toString())
    }

    override fun next(): Pair<Long, String> {
        val message = take("/", "message/direct") as JSONObject
        return message.getLong("from") to message.getString("textContent")
    }
}

/** Seed 002: it hears by Socket.IO, and sends by REST. */
class Typed(broker: Broker, person: Person, transport: String) :
    Talker(broker, person, transport, listOf("/" to "message")) {
    init {
        val registration = JSONObject().put("type", "user").put("uid", person.uid).put("deviceid", "phone")
        emit("/", "message", JSONObject().put("type", 1).put("data", registration.put("token", person.token)).toString())
        assertEquals(200, data(2).getInt("code"))
    }

    private fun data(type: Int): JSONObject {
        val message = JSONObject(take("/", "message") as String)
        assertEquals(type, message.getInt("type"), message.toString())
        return message.getJSONObject("data")
    }

    override fun send(to: Person, text: String) {
        broker.call("/api/messages", mapOf("to" to to.uid, "content" to text), person.token)
    }

    override fun next(): Pair<Long, String> = data(3).let { it.getLong("from") to it.getString("content") }
}
