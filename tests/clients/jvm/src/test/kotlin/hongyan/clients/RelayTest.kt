package hongyan.clients

import java.nio.ByteBuffer
import java.util.concurrent.LinkedBlockingQueue
import java.util.concurrent.TimeUnit.SECONDS
import org.junit.jupiter.api.AfterEach
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Assumptions.assumeTrue
import org.junit.jupiter.api.Test
import org.springframework.boot.autoconfigure.EnableAutoConfiguration
import org.springframework.boot.builder.SpringApplicationBuilder
import org.springframework.boot.web.servlet.context.ServletWebServerApplicationContext
import org.springframework.context.ApplicationContextInitializer
import org.springframework.context.annotation.Configuration
import org.springframework.context.event.EventListener
import org.springframework.context.support.GenericApplicationContext
import org.springframework.messaging.Message
import org.springframework.messaging.simp.SimpMessagingTemplate
import org.springframework.messaging.simp.broker.BrokerAvailabilityEvent
import org.springframework.messaging.simp.config.MessageBrokerRegistry
import org.springframework.messaging.simp.stomp.StompReactorNettyCodec
import org.springframework.messaging.tcp.reactor.ReactorNettyTcpClient
import org.springframework.web.socket.client.standard.StandardWebSocketClient
import org.springframework.web.socket.config.annotation.EnableWebSocketMessageBroker
import org.springframework.web.socket.config.annotation.StompEndpointRegistry
import org.springframework.web.socket.config.annotation.WebSocketMessageBrokerConfigurer

/** The broker behind the relay, and what the relay says of it. */
class Fronted(val port: Int, val login: String, val passcode: String, val wire: Wire) {
    val available = LinkedBlockingQueue<Boolean>()
}

/** What the relay reads, shown to the [wire]. */
class OverheardCodec(private val wire: Wire) : StompReactorNettyCodec() {
    override fun decodeInternal(buffer: ByteBuffer): List<Message<ByteArray>> {
        val read = buffer.duplicate()
        return super.decodeInternal(buffer).also {
            read.limit(buffer.position())
            wire.stream(Charsets.UTF_8.decode(read).toString())
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
    }

    override fun configureMessageBroker(registry: MessageBrokerRegistry) {
        registry.enableStompBrokerRelay("/topic", "/queue")
            .setTcpClient(ReactorNettyTcpClient("127.0.0.1", fronted.port, OverheardCodec(fronted.wire)))
            .setSystemLogin(fronted.login).setSystemPasscode(fronted.passcode)
            .setClientLogin(fronted.login).setClientPasscode(fronted.passcode)
    }

    @EventListener
    fun availability(event: BrokerAvailabilityEvent) = fronted.available.put(event.isBrokerAvailable)
}

/** Spring's broker relay over TCP, in front of the broker. */
class RelayTest {
    private val broker = Broker()
    private val wire = Wire()
    private val user = broker.person("relay")
    private var application: ServletWebServerApplicationContext? = null

    private fun start(passcode: String = PASSWORD): Fronted {
        val fronted = Fronted(broker.stompPort, user.name, passcode, wire)
        val bean = ApplicationContextInitializer<GenericApplicationContext> {
            it.beanFactory.registerSingleton("fronted", fronted)
        }
        application = SpringApplicationBuilder(Application::class.java).initializers(bean)
            .run("--server.port=0", "--spring.main.banner-mode=off") as ServletWebServerApplicationContext
        return fronted
    }

    private fun Fronted.says() = available.poll(PATIENCE_S, SECONDS)

    /** A client of the application. What it gets is the application's, so the broker's wire does not hear it. */
    private fun client(heard: Heard): SpringConnection {
        val url = "ws://127.0.0.1:${application!!.webServer.port}/application"
        return springSession(Overheard(StandardWebSocketClient(), Wire(), heard), url, emptyMap(), heard)
    }

    private fun templates() = application!!.getBean(SimpMessagingTemplate::class.java)

    /** Skips a test of what the broker does not have yet. */
    private fun assumeServed(destination: String) {
        val url = "ws://${broker.address}/client?srect=${user.token}"
        val heard = Heard()
        val probe = springSession(Overheard(StandardWebSocketClient(), wire, heard), url, emptyMap(), heard)
        assumeTrue(runCatching { probe.subscribe(destination) }.isSuccess, "$destination is not served yet")
        probe.leave()
    }

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
        assumeServed("/topic/news")
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
        assumeServed("/queue/jobs")
        assertEquals(true, start().says())
        templates().convertAndSend("/queue/jobs", mapOf("job" to 1))
        val heard = Heard()
        client(heard).subscribe("/queue/jobs")
        assertEquals(1, heard.expect("/queue/jobs")["job"].asInt())
    }
}
