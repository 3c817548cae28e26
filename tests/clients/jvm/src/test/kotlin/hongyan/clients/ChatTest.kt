package hongyan.clients

import com.fasterxml.jackson.databind.JsonNode
import java.security.MessageDigest
import java.util.HexFormat
import java.util.concurrent.ConcurrentHashMap
import java.util.concurrent.LinkedBlockingQueue
import java.util.concurrent.TimeUnit.SECONDS
import org.junit.jupiter.api.AfterAll
import org.junit.jupiter.api.AfterEach
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.BeforeEach
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.TestInstance
import org.junit.jupiter.api.TestInstance.Lifecycle.PER_CLASS
import org.junit.jupiter.api.assertThrows
import org.junit.jupiter.api.extension.ExtendWith

/** What came to a client, by destination, or "error" or "disconnected", until a test takes it. */
class Heard {
    private val kinds = ConcurrentHashMap<String, LinkedBlockingQueue<JsonNode>>()

    private fun kind(name: String) = kinds.computeIfAbsent(name) { LinkedBlockingQueue() }

    fun put(name: String, what: JsonNode) = kind(name).put(what)

    fun put(name: String, text: String) = put(name, json.readTree(text))

    fun error(word: String?, sentence: String) =
        put("error", json.valueToTree<JsonNode>(mapOf("message" to word, "body" to sentence)))

    fun disconnected() = put("disconnected", "true")

    fun expect(name: String): JsonNode =
        checkNotNull(kind(name).poll(PATIENCE_S, SECONDS)) { "no $name came, but $kinds" }
}

/** A client as a test needs it. */
interface Connection {
    /** What comes of it goes to [Heard]. */
    fun subscribe(destination: String)

    fun unsubscribe(destination: String)

    fun send(destination: String, body: String)

    /** Leaves as the client leaves, and returns when the connection is closed. */
    fun leave()
}

/** One connection of one person who chats. */
class Client(val person: Person, val heard: Heard, val connection: Connection) {
    val inbox = "/user/${person.uid}/recive"

    init {
        connection.subscribe(inbox)
        for (what in listOf("send/status", "recive/status", "delivery/status", "status")) {
            connection.subscribe("/user/queue/$what")
        }
        settle()
    }

    /** Frames are taken in order: once this is answered all before it is done, also for a client without receipts. */
    fun settle() {
        confirm("0".repeat(40))
        check(status("recive")["code"].asInt() == 404)
    }

    /** Sends to a topic or a queue; returns when that is done. */
    fun put(destination: String, note: String) {
        connection.send(destination, json.writeValueAsString(mapOf("note" to note)))
        settle()
    }

    /** What was put. */
    fun note(destination: String): String = heard.expect(destination)["note"].asText()

    fun say(to: Long, content: String, msgId: String = msgId(content)): String {
        val body = mapOf("msgID" to msgId, "reciverId" to to, "content" to content)
        connection.send("/socket/chat/send", json.writeValueAsString(body))
        return msgId
    }

    private fun msgId(content: String): String {
        val digest = MessageDigest.getInstance("SHA-1").digest("$content ${System.nanoTime()}".toByteArray())
        return HexFormat.of().formatHex(digest)
    }

    fun confirm(msgId: String) =
        connection.send("/socket/chat/recive", json.writeValueAsString(mapOf("msgID" to msgId)))

    fun init() = connection.send("/socket/chat/init", "")

    fun status(of: String = "send") = heard.expect("/user/queue/$of/status")

    fun message() = heard.expect(inbox)
}

/** What people do with a chat, whichever client they use: each client's test class says how it connects. */
@TestInstance(PER_CLASS)
@ExtendWith(Results::class)
abstract class ChatTest : Proving {
    protected val broker = Broker()
    protected lateinit var wire: Wire
    private val wires = ArrayList<Wire>()
    private var people = 0

    /** Where the client connects to, with the token in the query. */
    abstract fun url(query: String): String

    /** Connects, or throws what the client throws. [heard] takes the messages and what goes wrong. */
    abstract fun open(url: String, connect: Map<String, String>, heard: Heard): Connection

    @BeforeEach
    fun listen() {
        wire = Wire().also(wires::add)
    }

    @AfterEach
    fun everyFrameSuitsEveryClient() = assertEquals(emptyList<String>(), wires.flatMap { it.faults() })

    /** With the clients that are still there. */
    @AfterAll
    fun theBrokerEndsWell() {
        assertEquals(0, broker.stop(), "the status at SIGTERM")
        everyFrameSuitsEveryClient()
    }

    protected fun person(name: String) = broker.person("$name-${people++}")

    protected fun connect(
        person: Person,
        url: String = url("?srect=${person.token}"),
        vararg connect: Pair<String, String>,
    ): Client {
        val heard = Heard()
        return Client(person, heard, open(url, mapOf(*connect), heard))
    }

    @Test
    @Proves("chats", "confirms")
    fun `a message is stored, pushed, confirmed, and its sender is told`() {
        val (li, wu) = Pair(person("li"), person("wu"))
        val (one, two) = Pair(connect(li), connect(wu))
        val content = "起来聊天: a\\b \"quoted\"\nand a line"
        val msgId = one.say(wu.uid, content)

        val status = one.status()
        assertEquals(msgId, status["msgID"].asText())
        assertEquals(200, status["code"].asInt())
        assertEquals("成功", status["status"].asText())
        val message = two.message()
        val expected = mapOf(
            "chatID" to msgId, "content" to content,
            "sender" to li.name, "senderId" to li.uid, "reciver" to wu.name, "reciverId" to wu.uid,
        )
        for ((field, value) in expected) assertEquals(value.toString(), message[field].asText(), field)
        assertTrue(message["id"].isIntegralNumber && message["time"].isIntegralNumber) { "numbers in $message" }

        repeat(2) {
            two.confirm(msgId)
            assertEquals(200, two.status("recive")["code"].asInt())
        }
        val delivery = one.status("delivery")
        assertEquals(msgId, delivery["msgID"].asText())
        assertEquals("received", delivery["state"].asText())
        assertEquals(wu.uid, delivery["reciverId"].asLong())

        two.say(li.uid, "and back")
        assertEquals("and back", one.message()["content"].asText())
    }

    @Test
    @Proves("returns")
    fun `what came while away comes in order after init`() {
        val (li, wu) = Pair(person("li"), person("wu"))
        val one = connect(li)
        connect(wu).connection.leave()
        val contents = listOf("while", "you", "were away")
        for (content in contents) {
            one.say(wu.uid, content)
            assertEquals(200, one.status()["code"].asInt())
        }
        val two = connect(wu)
        two.init()
        assertEquals(contents, contents.map { two.message()["content"].asText() })
    }

    @Test
    fun `the same again is stored once, and another content is a conflict`() {
        val (li, wu) = Pair(person("li"), person("wu"))
        val (one, two) = Pair(connect(li), connect(wu))
        val msgId = one.say(wu.uid, "first")
        assertEquals(200, one.status()["code"].asInt())
        one.say(wu.uid, "first", msgId)
        assertEquals(200, one.status()["code"].asInt())
        one.say(wu.uid, "another", msgId)
        assertEquals(409, one.status()["code"].asInt())
        one.say(wu.uid, "second")
        assertEquals(200, one.status()["code"].asInt())
        assertEquals(listOf("first", "second"), List(2) { two.message()["content"].asText() })
    }

    @Test
    fun `nobody is not found`() {
        val one = connect(person("li"))
        val msgId = one.say(999_999, "anybody?")
        val status = one.status()
        assertEquals(404, status["code"].asInt())
        assertEquals(msgId, status["msgID"].asText())
    }

    @Test
    @Proves("text")
    fun `any words arrive as they were written`() {
        val (one, two) = Pair(connect(person("li")), connect(person("wu")))
        val words = listOf(
            "", "   ", "\u0000 \\ \" \n\r\n a:b\\n\\c", "鸿雁", "é \u2028", "雁".repeat(20_000), "🪿 👩‍👩‍👧",
        )
        for (word in words) {
            one.say(two.person.uid, word)
            assertEquals(200, one.status()["code"].asInt())
        }
        assertEquals(words, words.map { two.message()["content"].asText() })
    }

    @Test
    @Proves("topic")
    fun `a topic reaches whoever subscribes to it then, by its name or by a pattern`() {
        val (one, two) = Pair(connect(person("li")), connect(person("wu")))
        val topic = "/topic/${one.person.name}/sport"
        val pattern = "/topic/${one.person.name}/*"
        one.put(topic, "too early")
        one.connection.subscribe(topic)
        two.connection.subscribe(pattern)
        for (client in listOf(one, two)) client.settle()
        two.put(topic, "a goal 🪿")
        assertEquals("a goal 🪿", one.note(topic))
        assertEquals("a goal 🪿", two.note(pattern))
    }

    @Test
    @Proves("queue")
    fun `what is sent to a queue waits for a consumer, and comes once`() {
        val (one, two) = Pair(connect(person("li")), connect(person("wu")))
        val queue = "/queue/${one.person.name}"
        for (note in listOf("one", "two")) one.put(queue, note)
        two.connection.subscribe(queue)
        assertEquals(listOf("one", "two"), List(2) { two.note(queue) })
        two.connection.unsubscribe(queue)
        two.settle()
        two.put(queue, "three")
        one.connection.subscribe(queue)
        assertEquals("three", one.note(queue))
    }

    @Test
    @Proves("error")
    fun `the destination of somebody else is refused`() {
        val (li, wu) = Pair(person("li"), person("wu"))
        val one = connect(li)
        runCatching { one.connection.subscribe("/user/${wu.uid}/recive") } // where it waits for a receipt, it fails
        val error = one.heard.expect("error")
        assertEquals("access-denied", error["message"].asText())
        assertTrue(error["body"].asText().contains("another user's")) { "$error" }
        one.heard.expect("disconnected")
    }

    @Test
    @Proves("refused")
    open fun `a bad token is refused at the door`() {
        val refusal = assertThrows<Exception> { open(url("?srect=not.a.token"), emptyMap(), Heard()) }
        val causes = generateSequence<Throwable>(refusal) { it.cause }.joinToString()
        assertTrue(causes.contains("401")) { causes }
    }

    @Test
    open fun `name and password in CONNECT let in`() {
        val li = person("li")
        val one = connect(li, url(""), "login" to li.name, "passcode" to PASSWORD)
        one.say(li.uid, "a note to self")
        assertEquals("a note to self", one.message()["content"].asText())
    }

    @Test
    open fun `a wrong password is refused`() {
        val login = mapOf("login" to person("li").name, "passcode" to "not the password")
        assertThrows<Exception> { open(url(""), login, Heard()) }
        assertEquals("access-refused", wire.expect("ERROR").headers["message"])
    }
}

/** A connection that can say what became of a message. */
interface Acknowledging : Connection {
    /** Subscribes with `ack:client-individual`. */
    fun consume(queue: String)

    /** [id] is the header `ack` of the MESSAGE. */
    fun ack(id: String)

    fun nack(id: String)
}

/** The same for clients that ask for receipts, and acknowledge. */
abstract class WholeChatTest : ChatTest() {
    private val Client.acknowledging get() = connection as Acknowledging

    /** The next MESSAGE of a queue that anybody gets, as the wire has it. */
    private fun of(queue: String): Frame =
        generateSequence { wire.expect("MESSAGE") }.first { it.headers["destination"] == queue }

    private fun Frame.note() = json.readTree(body)["note"].asText()

    private val Frame.ack get() = headers.getValue("ack")

    @Test
    @Proves("receipts")
    fun `what asks for a RECEIPT gets it after the outcome`() {
        val one = connect(person("li"))
        one.say(one.person.uid, "with a receipt") // waits for it
        val outcome = wire.said().indexOfLast { it.headers["destination"] == "/user/queue/send/status" }
        val receipt = wire.said().indexOfLast { it.command == "RECEIPT" }
        assertTrue(outcome in 0..<receipt) { "${wire.said()}" }
    }

    @Test
    @Proves("ack")
    fun `what a consumer of a queue acknowledged is gone, the rest goes to the next`() {
        val (one, two) = Pair(connect(person("li")), connect(person("wu")))
        val queue = "/queue/${one.person.name}"
        one.acknowledging.consume(queue)
        for (note in listOf("one", "two", "three")) two.put(queue, note)
        val frames = List(3) { of(queue) }
        assertEquals(listOf("one", "two", "three"), frames.map { it.note() })
        one.acknowledging.ack(frames[1].ack)
        one.connection.leave()
        two.acknowledging.consume(queue)
        val again = List(2) { of(queue) }
        assertEquals(listOf("one" to "true", "three" to "true"), again.map { it.note() to it.headers["redelivered"] })
        assertEquals(listOf("one", "three"), List(2) { two.note(queue) })
    }

    @Test
    @Proves("nack")
    fun `what a consumer of a queue refuses comes again`() {
        val one = connect(person("li"))
        val queue = "/queue/${one.person.name}"
        one.acknowledging.consume(queue)
        one.put(queue, "one")
        val first = of(queue)
        assertEquals("one" to null, first.note() to first.headers["redelivered"])
        one.acknowledging.nack(first.ack)
        val again = of(queue)
        assertEquals("one" to "true", again.note() to again.headers["redelivered"])
        one.acknowledging.ack(again.ack)
        one.put(queue, "two")
        assertEquals("two", of(queue).note())
        assertEquals(listOf("one", "one", "two"), List(3) { one.note(queue) })
    }
}
