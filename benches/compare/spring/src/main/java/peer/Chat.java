package peer;

import java.security.Principal;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import org.springframework.messaging.handler.annotation.MessageMapping;
import org.springframework.messaging.handler.annotation.Payload;
import org.springframework.messaging.simp.SimpMessagingTemplate;
import org.springframework.stereotype.Controller;

/** Seed 003: a message is pushed to its receiver, its sender is told, the receiver confirms. Nothing is on disk. */
@Controller
class Chat {
    record Send(String msgID, long reciverId, String content) {}

    record Push(long id, String chatID, String sender, String reciver, String content, long time, long senderId, long reciverId) {}

    record Recive(String msgID) {}

    record Status(String msgID, int code, String status, String content) {}

    private final SimpMessagingTemplate template;
    private final AtomicLong ids = new AtomicLong();
    /** What is not yet confirmed, and by whom it was sent. */
    private final Map<String, String> waiting = new ConcurrentHashMap<>();

    Chat(SimpMessagingTemplate template) {
        this.template = template;
    }

    @MessageMapping("/chat/send")
    void send(@Payload Send send, Principal sender) {
        waiting.put(send.msgID, sender.getName());
        String to = Long.toString(send.reciverId);
        long from = Long.parseLong(sender.getName());
        template.convertAndSendToUser(to, "/queue/recive", new Push(ids.incrementAndGet(), send.msgID, sender.getName(), to,
                send.content, System.currentTimeMillis(), from, send.reciverId));
        template.convertAndSendToUser(sender.getName(), "/queue/send/status", new Status(send.msgID, 200, "成功", "(=ↀωↀ=)"));
    }

    @MessageMapping("/chat/recive")
    void recive(@Payload Recive recive, Principal receiver) {
        int code = waiting.remove(recive.msgID) == null ? 404 : 200;
        template.convertAndSendToUser(receiver.getName(), "/queue/recive/status", new Status(recive.msgID, code, "成功", "(=ↀωↀ=)"));
    }
}
