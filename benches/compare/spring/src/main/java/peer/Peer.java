package peer;

import org.springframework.beans.factory.annotation.Value;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.messaging.simp.config.ChannelRegistration;
import org.springframework.messaging.simp.config.MessageBrokerRegistry;
import org.springframework.web.socket.config.annotation.EnableWebSocketMessageBroker;
import org.springframework.web.socket.config.annotation.StompEndpointRegistry;
import org.springframework.web.socket.config.annotation.WebSocketMessageBrokerConfigurer;
import org.springframework.web.socket.config.annotation.WebSocketTransportRegistration;

/** The chat of seed 003 as a Spring application would have it: a controller, and the simple broker, in memory. */
@SpringBootApplication
@EnableWebSocketMessageBroker
public class Peer implements WebSocketMessageBrokerConfigurer {
    private final LogIn logIn;
    private final int threads;

    Peer(LogIn logIn, @Value("${peer.threads}") int threads) {
        this.logIn = logIn;
        this.threads = threads;
    }

    public static void main(String[] arguments) {
        SpringApplication.run(Peer.class, arguments);
    }

    @Override
    public void registerStompEndpoints(StompEndpointRegistry registry) {
        // The load checks that messages of one sender stay in order; without this they don't.
        registry.setPreserveReceiveOrder(true);
        registry.addEndpoint("/client");
    }

    @Override
    public void configureMessageBroker(MessageBrokerRegistry registry) {
        registry.setPreservePublishOrder(true);
        registry.setApplicationDestinationPrefixes("/socket");
        registry.enableSimpleBroker("/queue", "/topic");
    }

    @Override
    public void configureClientInboundChannel(ChannelRegistration channel) {
        channel.taskExecutor().corePoolSize(threads);
        channel.interceptors(logIn);
    }

    @Override
    public void configureClientOutboundChannel(ChannelRegistration channel) {
        channel.taskExecutor().corePoolSize(threads);
    }

    @Override
    public void configureWebSocketTransport(WebSocketTransportRegistration transport) {
        // Room for a burst to a thousand sockets: who is slower than this is cut off.
        transport.setSendBufferSizeLimit(16 << 20).setSendTimeLimit(60_000);
    }
}
