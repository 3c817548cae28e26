package hongyan.clients

import java.nio.ByteBuffer
import java.util.concurrent.LinkedBlockingQueue
import java.util.concurrent.TimeUnit.SECONDS
import org.junit.jupiter.api.AfterAll
import org.junit.jupiter.api.AfterEach
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.BeforeAll
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.assertThrows
import org.springframework.boot.autoconfigure.EnableAutoConfiguration
import org.springframework.boot.builder.SpringApplicationBuilder
import org.springframework.boot.web.servlet.context.ServletWebServerApplicationContext
import org.springframework.context.ApplicationContextInitializer
import org.springframework.context.annotation.Bean
import org.springframework.context.annotation.Configuration
import org.springframework.context.event.EventListener
import org.springframework.context.support.GenericApplicationContext
import org.springframework.core.SpringVersion
import org.springframework.messaging.Message
import org.springframework.messaging.simp.SimpMessagingTemplate
import org.springframework.messaging.simp.broker.BrokerAvailabilityEvent
import org.springframework.messaging.simp.config.MessageBrokerRegistry
import org.springframework.messaging.simp.stomp.StompReactorNettyCodec
import org.springframework.messaging.tcp.reactor.ReactorNettyTcpClient
import org.springframework.web.socket.config.annotation.EnableWebSocketMessageBroker
import org.springframework.web.socket.config.annotation.StompEndpointRegistry
import org.springframework.web.socket.config.annotation.WebSocketMessageBrokerConfigurer
import org.springframework.web.socket.config.annotation.WebSocketTransportRegistration
import org.springframework.web.socket.server.standard.ServletServerContainerFactoryBean

/** The broker behind the relay, and what the relay says of it. */
class Fronted(val port: Int, val login: String, val passcode: String, val wire: () -> Wire) {
    val available = LinkedBlockingQueue<Boolean>()

    fun says(): Boolean? = available.poll(PATIENCE_S, SECONDS)
}

/** What the relay reads, shown to the [wire]. */
class OverheardCodec(private val wire: () -> Wire) : StompReactorNettyCodec() {
    override fun decodeInternal(buffer: ByteBuffer): List<Message<ByteArray>> {
        val read = buffer.duplicate()
        return super.decodeInternal(buffer).also {
            read.limit(buffer.position())
            wire().stream(Charsets.UTF_8.decode(read).toString())
        }
    }
}

/** An application whose own WebSocket endpoint is fronting the broker. */
@Configuration(proxyBeanMethods = false)
@EnableAutoConfiguration
@EnableWebSocketMessageBroker
class Application(private val fronted: Fronted) : WebSocketMessageBrokerConfigurer {
    override fun registerStompEndpoints(registry: StompEndpointRegistry) {
        registry.addEndpoint("/application")
        registry.setPreserveReceiveOrder(true)
    }

    override fun configureWebSocketTransport(registry: WebSocketTransportRegistration) {
        registry.setMessageSizeLimit(MESSAGE_CHARS_MAX)
    }

    @Bean
    fun container() = ServletServerContainerFactoryBean().apply { maxTextMessageBufferSize = MESSAGE_CHARS_MAX }

    /** Everything is the broker's; what Spring would do itself with `/user/` it does elsewhere. */
    override fun configureMessageBroker(registry: MessageBrokerRegistry) {
        registry.setPreservePublishOrder(true)
        registry.setUserDestinationPrefix("/of-the-application/")
        registry.enableStompBrokerRelay("/topic", "/queue", "/user", "/socket")
            .setTcpClient(ReactorNettyTcpClient("127.0.0.1", fronted.port, OverheardCodec(fronted.wire)))
            .setSystemLogin(fronted.login).setSystemPasscode(fronted.passcode)
            .setClientLogin(fronted.login).setClientPasscode(fronted.passcode)
    }

    @EventListener
    fun availability(event: BrokerAvailabilityEvent) = fronted.available.put(event.isBrokerAvailable)
}

/** An application in front of the broker. */
fun startApplication(fronted: Fronted): ServletWebServerApplicationContext {
    val bean = ApplicationContextInitializer<GenericApplicationContext> {
        it.beanFactory.registerSingleton("fronted", fronted)
    }
    return SpringApplicationBuilder(Application::class.java).initializers(bean)
        .run("--server.port=0", "--spring.main.banner-mode=off") as ServletWebServerApplicationContext
}

/** Spring's broker relay over TCP, in front of the broker. */
class RelayTest {
    private val broker = Broker()
    private val wire = Wire()
    private val user = broker.person("relay")
    private var application: ServletWebServerApplicationContext? = null

    private fun start(passcode: String = PASSWORD): Fronted {
        val fronted = Fronted(broker.stompPort, user.name, passcode) { wire }
        application = startApplication(fronted)
        return fronted
    }

    /** A client of the application. What it gets is the application's, so the broker's wire does not hear it. */
    private fun client(heard: Heard): SpringConnection {
        val url = "ws://127.0.0.1:${application!!.webServer.port}/application"
        return springSession(Overheard(webSocketClient, Wire(), heard), url, emptyMap(), heard)
    }

    private fun templates() = application!!.getBean(SimpMessagingTemplate::class.java)

    @AfterEach
    fun end() {
        application?.close()
        broker.stop()
        assertEquals(emptyList<String>(), wire.faults())
    }

    @Test
    fun `the broker is available while it runs`() {
        val fronted = start()
        assertEquals(true, fronted.says())
        assertEquals("1.2", wire.expect("CONNECTED").headers["version"])
        broker.stop()
        assertEquals(false, fronted.says())
    }

    @Test
    fun `a wrong passcode does not make it available`() {
        val fronted = start("not the password")
        assertEquals("access-refused", wire.expect("ERROR").headers["message"])
        assertTrue(fronted.available.isEmpty())
    }

    @Test
    fun `a client of the application connects through it`() {
        assertEquals(true, start().says())
        val heard = Heard()
        val client = client(heard)
        assertTrue(client.connected().getFirst("server").orEmpty().startsWith("hongyan/")) { "${client.connected()}" }
        client.leave()
    }

    @Test
    fun `a topic reaches all clients of the application`() {
        assertEquals(true, start().says())
        val heard = List(2) { Heard() }
        val clients = heard.map(::client)
        clients.forEach { it.subscribe("/topic/news") }
        clients[0].send("/topic/news", """{"from":"a client"}""")
        for (each in heard) assertEquals("a client", each.expect("/topic/news")["from"].asText())
        templates().convertAndSend("/topic/news", mapOf("from" to "the application"))
        for (each in heard) assertEquals("the application", each.expect("/topic/news")["from"].asText())
    }

    @Test
    fun `a queue keeps what the application sends until a client takes it`() {
        assertEquals(true, start().says())
        templates().convertAndSend("/queue/jobs", mapOf("job" to 1))
        val heard = Heard()
        client(heard).subscribe("/queue/jobs")
        assertEquals(1, heard.expect("/queue/jobs")["job"].asInt())
    }
}

/** People who chat through an application, which logs each in with the token that they bring. */
class RelayChatTest : SpringChat("TCP") {
    override val row = Row("Spring's broker relay ${SpringVersion.getVersion()}", "TCP", "1.2")
    override val client = webSocketClient
    private val user = broker.person("relay")
    private lateinit var application: ServletWebServerApplicationContext

    @BeforeAll
    fun front() {
        val systemWire = Wire()
        var isStarted = false
        val fronted = Fronted(broker.stompPort, user.name, PASSWORD) { if (isStarted) wire else systemWire }
        application = startApplication(fronted)
        assertEquals(true, fronted.says())
        isStarted = true
    }

    @AfterAll
    fun end() = application.close()

    override fun url(query: String) = "ws://127.0.0.1:${application.webServer.port}/application$query"

    /** What its client gets is the application's; the wire hears what the relay gets. */
    override fun open(url: String, connect: Map<String, String>, heard: Heard, beatMs: Long): Connection {
        val token = url.substringAfter("?srect=", "")
        val login = if (token.isEmpty()) connect else connect + ("srect" to token)
        return springSession(Overheard(client, Wire(), heard), url, login, heard, beatMs)
    }

    @Test
    @Proves("refused")
    override fun `a bad token is refused at the door`() {
        assertThrows<Exception> { open(url("?srect=not.a.token"), emptyMap(), Heard()) }
        assertEquals("access-refused", wire.expect("ERROR").headers["message"])
    }

    @Test
    override fun `name and password in CONNECT let in`() {
        val one = connect(user, url("")) // the relay puts its own there
        one.say(user.uid, "a note to self")
        assertEquals("a note to self", one.message()["content"].asText())
    }

    /** Of a client it takes no notice, either. */
    @Test
    override fun `a wrong password is refused`() {
        val one = connect(user, url(""), "login" to user.name, "passcode" to "not the password")
        one.connection.leave()
    }
}
