package peer;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.util.Base64;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;
import org.springframework.beans.factory.annotation.Value;
import org.springframework.messaging.Message;
import org.springframework.messaging.MessageChannel;
import org.springframework.messaging.simp.stomp.StompCommand;
import org.springframework.messaging.simp.stomp.StompHeaderAccessor;
import org.springframework.messaging.support.ChannelInterceptor;
import org.springframework.messaging.support.MessageHeaderAccessor;
import org.springframework.stereotype.Component;

/** Logs a session in by the token (HS256) that CONNECT has in its header srect, and lets it receive what is its own. */
@Component
class LogIn implements ChannelInterceptor {
    private final ObjectMapper json;
    private final SecretKeySpec key;

    LogIn(ObjectMapper json, @Value("${peer.key}") Path key) throws IOException {
        this.json = json;
        this.key = new SecretKeySpec(Files.readString(key).strip().getBytes(StandardCharsets.US_ASCII), "HmacSHA256");
    }

    @Override
    public Message<?> preSend(Message<?> message, MessageChannel channel) {
        var frame = MessageHeaderAccessor.getAccessor(message, StompHeaderAccessor.class);
        if (frame != null && frame.getCommand() == StompCommand.CONNECT) {
            String uid = user(frame.getFirstNativeHeader("srect"));
            frame.setUser(() -> uid);
        }
        if (frame != null && frame.getCommand() == StompCommand.SUBSCRIBE && frame.getDestination().endsWith("/recive")) {
            // /user/{uid}/recive is everybody's own, and to Spring a queue of the user.
            if (!frame.getDestination().equals("/user/" + frame.getUser().getName() + "/recive")) {
                throw new IllegalArgumentException("access denied");
            }
            frame.setDestination("/user/queue/recive");
        }
        return message;
    }

    private String user(String token) {
        try {
            String[] parts = token.split("\\.");
            Mac mac = Mac.getInstance("HmacSHA256");
            mac.init(key);
            byte[] signature = mac.doFinal((parts[0] + "." + parts[1]).getBytes(StandardCharsets.US_ASCII));
            if (!MessageDigest.isEqual(signature, Base64.getUrlDecoder().decode(parts[2]))) {
                throw new IllegalArgumentException("invalid token");
            }
            JsonNode claims = json.readTree(Base64.getUrlDecoder().decode(parts[1]));
            return claims.get("sub").asText();
        } catch (IOException | GeneralSecurityException why) {
            throw new IllegalArgumentException("invalid token", why);
        }
    }
}
