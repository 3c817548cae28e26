package peer;

import org.springframework.beans.factory.annotation.Qualifier;
import org.springframework.beans.factory.InitializingBean;
import org.springframework.messaging.Message;
import org.springframework.messaging.MessageChannel;
import org.springframework.messaging.MessageHandler;
import org.springframework.messaging.simp.broker.SimpleBrokerMessageHandler;
import org.springframework.messaging.simp.stomp.StompCommand;
import org.springframework.messaging.simp.stomp.StompHeaderAccessor;
import org.springframework.messaging.support.AbstractSubscribableChannel;
import org.springframework.messaging.support.ExecutorChannelInterceptor;
import org.springframework.messaging.support.MessageBuilder;
import org.springframework.messaging.support.MessageHeaderAccessor;
import org.springframework.stereotype.Component;

/** The simple broker gives no RECEIPTs; the load needs them. One is given when the broker has handled the frame. */
@Component
class Receipts implements ExecutorChannelInterceptor, InitializingBean {
    private final AbstractSubscribableChannel in;
    private final MessageChannel out;

    Receipts(@Qualifier("clientInboundChannel") AbstractSubscribableChannel in,
            @Qualifier("clientOutboundChannel") MessageChannel out) {
        this.in = in;
        this.out = out;
    }

    @Override
    public void afterPropertiesSet() {
        in.addInterceptor(this);
    }

    @Override
    public void afterMessageHandled(Message<?> message, MessageChannel channel, MessageHandler handler, Exception why) {
        var frame = MessageHeaderAccessor.getAccessor(message, StompHeaderAccessor.class);
        if (why != null || frame == null || frame.getReceipt() == null || !(handler instanceof SimpleBrokerMessageHandler)) {
            return;
        }
        var receipt = StompHeaderAccessor.create(StompCommand.RECEIPT);
        receipt.setReceiptId(frame.getReceipt());
        receipt.setSessionId(frame.getSessionId());
        out.send(MessageBuilder.createMessage(new byte[0], receipt.getMessageHeaders()));
    }
}
